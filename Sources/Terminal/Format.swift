import Basics

/// Numbers and times as people read them.
package enum Format {
    /// Groups digits by three, as in `1,234,567`.
    package static func count(_ number: Int64) -> String {
        let digits = String(number.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return (number < 0 ? "-" : "") + text
    }

    /// A number and its noun, as in `2 records`.
    package static func plural(_ number: Int64, _ one: String, _ many: String? = nil) -> String {
        "\(count(number)) \(number == 1 ? one : many ?? one + "s")"
    }

    /// Few digits, for rates, from `0.42` to `812`, `12.3k` and `1.2M`.
    package static func short(_ number: Double) -> String {
        switch number.magnitude {
        case 1e6...: decimal(number / 1e6, 1) + "M"
        case 1e4...: decimal(number / 1e3, 1) + "k"
        case 100...: count(Int64(number.rounded()))
        case 1...: decimal(number, 1)
        default: decimal(number, 2)
        }
    }

    /// With this many digits after the point.
    package static func decimal(_ number: Double, _ digits: Int) -> String { number.fixedPoint(digits) }

    /// As in `$0.25`; amounts below a cent have two significant digits.
    package static func dollars(_ amount: Double) -> String {
        "$" + decimal(amount, amount > 0 && amount < 0.01 ? 4 : 2)
    }

    /// At most two units, from `0.4 s` to `3 min 12 s` and `3 d 4 h`.
    package static func duration(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        if seconds < 10 { return decimal(max(seconds, 0), 1) + " s" }
        let whole = Int(seconds.rounded())
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3_600: return "\(whole / 60) min \(whole % 60) s"
        case ..<86_400: return "\(whole / 3_600) h \(whole % 3_600 / 60) min"
        default: return "\(whole / 86_400) d \(whole % 86_400 / 3_600) h"
        }
    }

    /// `2026-01-31 12:00:00Z` made from ISO 8601; `-` for nil.
    package static func time(_ iso: String?) -> String {
        guard let iso else { return "-" }
        return iso.prefix(19).replacing("T", with: " ") + "Z"
    }
}
