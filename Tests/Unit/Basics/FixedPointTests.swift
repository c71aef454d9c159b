import Basics
import Foundation
import Migration
import Testing

/// Foundation, which the programs do without, is the judge.
@Suite struct `A number with a fixed count of digits` {
    static let numbers: [Double] = [
        0, -0.0, 0.5, 1.5, 2.5, -0.5, 0.05, 0.25, 0.35, 0.125, 0.005, 0.015, 1.005, 0.044_999, 9.95, 9.949_999, 99.95,
        999.5,
        1_000_000, 1e15, 1e16, 9_007_199_254_740_992, 1e22, 1e300, 1e-9, 123_456.789, -123_456.789,
        .leastNonzeroMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .infinity, -.infinity, .nan, -.nan,
        .pi, 1.0 / 3, 2.0 / 3,
    ]

    @Test(arguments: numbers) func `is written as Foundation's %f writes it`(number: Double) {
        for digits in [0, 1, 2, 3, 4, 6, 20] {
            #expect(number.fixedPoint(digits) == String(format: "%.\(digits)f", number))
        }
    }

    @Test func `is written as Foundation's %f writes it, for ten thousand numbers of all sizes`() {
        var chance = SplitMix64(seed: 1)
        for _ in 0..<10_000 {
            let number = Double(bitPattern: .random(in: 0...(.max), using: &chance))
            let near = Double.random(in: -1_000...1_000, using: &chance)
            for digits in 0...3 {
                #expect(number.fixedPoint(digits) == String(format: "%.\(digits)f", number))
                #expect(near.fixedPoint(digits) == String(format: "%.\(digits)f", near))
            }
        }
    }
}
