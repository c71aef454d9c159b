import ArgumentParser

/// A length of time in the form `90s`, `10m`, `12h`, `30d` or `2w`.
struct Age: Equatable, ExpressibleByArgument {
    let seconds: Int64

    /// The longest one: a hundred years.
    private static let longest: Int64 = 36_500 * 86_400
    private static let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800]

    init?(argument: String) {
        guard let unit = argument.last.flatMap({ Self.units[$0] }) else { return nil }
        let digits = argument.dropLast()
        let isNumber = !digits.isEmpty && digits.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains)
        guard isNumber, let number = Int64(digits) else { return nil }
        let (product, overflows) = number.multipliedReportingOverflow(by: unit)
        guard !overflows, product <= Self.longest else { return nil }
        seconds = product
    }
}
