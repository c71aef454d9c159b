/// A moment of the database clock, in the resolution of PostgreSQL's `timestamptz`.
package struct DatabaseTime: Comparable, Hashable, Sendable {
    /// Microseconds since 1970-01-01T00:00:00Z.
    package let microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }

    /// Where the database clock of a test starts: 2026-01-01T00:00:00Z.
    package static let start = Self(microseconds: 1_767_225_600_000_000)

    package static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }

    package static func + (time: Self, duration: Duration) -> Self {
        Self(microseconds: time.microseconds.addingClamped(duration.wholeMicroseconds))
    }

    package static func - (time: Self, duration: Duration) -> Self {
        Self(microseconds: time.microseconds.addingClamped(-max(duration.wholeMicroseconds, -.max)))
    }

    /// Whole milliseconds of a lease that are left at `earlier`: rounded down, so that no worker trusts it too long.
    package func milliseconds(since earlier: Self) -> Int {
        Int(max(0, microseconds.addingClamped(-earlier.microseconds) / 1000))
    }

    /// Milliseconds to wait from `earlier` until this moment: rounded up, so that no caller comes too early.
    package func wait(at earlier: Self) -> Int {
        Int(max(0, microseconds.addingClamped(-earlier.microseconds).addingClamped(999) / 1000))
    }
}

extension DatabaseTime {
    /// ISO 8601 in UTC with six decimals: `2026-01-01T00:00:00.000000Z`.
    package var text: String {
        let second = microseconds.floored(by: 1_000_000)
        let day = second.floored(by: 86_400)
        let (year, month, date) = Self.civil(day: day)
        let time = second - day * 86_400
        let fields: InlineArray<7, Int64> = [
            year, month, date, time / 3600, time / 60 % 60, time % 60, microseconds - second * 1_000_000,
        ]
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.length)
        for field in fields.indices {
            let (width, mark) = Self.layout[field]
            let number = fields[field].magnitude
            var digit: UInt64 = 1
            for _ in 1..<width { digit *= 10 }
            // The year of a clamped time may be below zero, and may have more digits than its field.
            if fields[field] < 0 { bytes.append(UInt8(ascii: "-")) }
            if number / 10 >= digit { bytes += String(number / 10 / digit).utf8 }
            while digit > 0 {
                bytes.append(UInt8(ascii: "0") + UInt8(number / digit % 10))
                digit /= 10
            }
            bytes.append(mark)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The fields of `text`: their numbers of digits, and the characters that follow.
    private static let layout = zip([4, 2, 2, 2, 2, 2, 6], "--T::.Z".utf8).map { (width: $0, mark: $1) }

    private static let length = 27

    /// Reads what `text` wrote; nil for anything else.
    package init?(text: String) {
        let bytes = text.utf8.span
        guard bytes.count == Self.length else { return nil }
        var fields: InlineArray<7, Int64> = .init(repeating: 0)
        var place = 0
        for field in Self.layout.indices {
            let (width, mark) = Self.layout[field]
            for byte in place..<place + width {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[byte]) else { return nil }
                fields[field] = fields[field] * 10 + Int64(bytes[byte] - UInt8(ascii: "0"))
            }
            guard bytes[place + width] == mark else { return nil }
            place += width + 1
        }
        let day = Self.day(fields[0], fields[1], fields[2])
        guard Self.civil(day: day) == (fields[0], fields[1], fields[2]), fields[3] < 24, fields[4] < 60, fields[5] < 60
        else { return nil }
        let time = fields[3] * 3600 + fields[4] * 60 + fields[5]
        self.init(microseconds: (day * 86_400 + time) * 1_000_000 + fields[6])
    }

    /// The beginning of a date in microseconds since 1970; nil if there is no such date.
    package static func microseconds(_ year: Int64, _ month: Int64, _ date: Int64) -> Int64? {
        let day = day(year, month, date)
        return civil(day: day) == (year, month, date) ? day * 86_400_000_000 : nil
    }

    /// The proleptic Gregorian date of a day counted from 1970-01-01.
    ///
    /// Howard Hinnant, *chrono-Compatible Low-Level Date Algorithms*: with years that begin in March the leap day is
    /// the last day of the year.
    private static func civil(day: Int64) -> (year: Int64, month: Int64, date: Int64) {
        let shifted = day + 719_468
        let era = shifted.floored(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * dayOfYear + 2) / 153
        let month = march < 10 ? march + 3 : march - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * march + 2) / 5 + 1)
    }

    /// The reverse, from the same source.
    private static func day(_ year: Int64, _ month: Int64, _ date: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted.floored(by: 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + date - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

extension Int64 {
    /// The sum, or the nearest number that fits: durations come from callers.
    package func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? (other < 0 ? .min : .max) : sum
    }

    /// Division that rounds towards negative infinity.
    fileprivate func floored(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}

extension Duration {
    /// Rounded towards zero; the nearest number that fits if it is too large.
    package var wholeMicroseconds: Int64 { Int64(clamping: attoseconds / 1_000_000_000_000) }
}
