/// A host's name in DNS form: each label with non-ASCII letters in its `xn--` form.
///
/// The letters are only put into lower case; two encodings of one letter (`ü` as one scalar or as two) stay different.
///
/// - SeeAlso: RFC 3492, *Punycode*: the algorithm of `punycode` and its constants.
enum InternationalHost {
    static func name(_ host: String) -> String {
        // The full stop of Chinese and Japanese also separates labels.
        let labels = host.lowercased().replacing("\u{3002}", with: ".").split(
            separator: ".",
            omittingEmptySubsequences: false
        )
        return labels.map { label in
            label.utf8.allSatisfy { $0 < 0x80 } ? String(label) : "xn--" + punycode(label.unicodeScalars.map(\.value))
        }.joined(separator: ".")
    }

    private static let base: UInt32 = 36
    private static let thresholdMin: UInt32 = 1
    private static let thresholdMax: UInt32 = 26

    /// First the ASCII letters, then the places of the others: the differences to the last one in value and place.
    private static func punycode(_ label: [UInt32]) -> String {
        let basic = label.filter { $0 < 0x80 }
        var output = basic.map { UInt8(truncatingIfNeeded: $0) }
        if !output.isEmpty { output.append(UInt8(ascii: "-")) }
        var value: UInt32 = 0x80
        // 64 bits, because a host's name may be of any length.
        var delta: UInt64 = 0
        var bias: UInt32 = 72
        var handled = basic.count
        while handled < label.count, let next = label.filter({ $0 >= value }).min() {
            delta += UInt64(next - value) * UInt64(handled + 1)
            value = next
            for scalar in label {
                if scalar < value { delta += 1 }
                guard scalar == value else { continue }
                append(delta, bias, to: &output)
                bias = adapted(delta, count: UInt64(handled + 1), isFirst: handled == basic.count)
                delta = 0
                handled += 1
            }
            delta += 1
            value += 1
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// A number in digits of growing weight: `a` to `z`, then `0` to `9`.
    private static func append(_ number: UInt64, _ bias: UInt32, to output: inout [UInt8]) {
        func digit(_ value: UInt64) -> UInt8 {
            UInt8(value) + (value < 26 ? UInt8(ascii: "a") : UInt8(ascii: "0") - 26)
        }
        var rest = number
        var weight = base
        while true {
            let threshold = UInt64(
                weight <= bias ? thresholdMin : min(max(weight - bias, thresholdMin), thresholdMax)
            )
            if rest < threshold { break }
            output.append(digit(threshold + (rest - threshold) % (UInt64(base) - threshold)))
            rest = (rest - threshold) / (UInt64(base) - threshold)
            weight += base
        }
        output.append(digit(rest))
    }

    private static func adapted(_ delta: UInt64, count: UInt64, isFirst: Bool) -> UInt32 {
        let span = UInt64(base - thresholdMin)
        var delta = isFirst ? delta / 700 : delta / 2
        delta += delta / count
        var bias: UInt64 = 0
        while delta > span * UInt64(thresholdMax) / 2 {
            delta /= span
            bias += UInt64(base)
        }
        return UInt32(bias + (span + 1) * delta / (delta + 38))
    }
}
