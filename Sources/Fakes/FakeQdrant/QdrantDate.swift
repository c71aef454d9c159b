import Migration

/// A moment as Qdrant reads it: RFC 3339, or a date and a time without a zone (UTC), or a date alone.
package struct QdrantDate: Comparable, Sendable {
    /// Since 1970 in UTC.
    let microseconds: Int64

    package static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }

    /// Nil for a text that is no date.
    package init?(_ text: String) {
        var reader = Reader(rest: text.utf8[...])
        guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"),
            let date = reader.number(2), var time = DatabaseTime.microseconds(year, month, date)
        else { return nil }
        if reader.skip("T") || reader.skip("t") || reader.skip(" ") {
            guard let hour = reader.number(2), reader.skip(":"), let minute = reader.number(2), hour < 24, minute < 60
            else { return nil }
            var micros: Int64 = 0
            if reader.skip(":") {
                guard let second = reader.number(2), second < 60 else { return nil }
                micros = second * 1_000_000
                if reader.skip(".") {
                    guard let fraction = reader.fraction() else { return nil }
                    micros += fraction
                }
            }
            guard let offset = reader.offset() else { return nil }
            time += (hour * 3_600 + minute * 60 - offset) * 1_000_000 + micros
        }
        guard reader.rest.isEmpty else { return nil }
        microseconds = time
    }

    private struct Reader {
        var rest: Substring.UTF8View

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard let byte = rest.first, UInt32(byte) == character.value else { return false }
            rest.removeFirst()
            return true
        }

        mutating func number(_ width: Int) -> Int64? {
            let digits = rest.prefix(width)
            guard digits.count == width, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            rest.removeFirst(width)
            return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }

        /// Digits after the point, in microseconds; further digits are cut off.
        mutating func fraction() -> Int64? {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty, digits.count <= 9 else { return nil }
            rest = rest[digits.endIndex...]
            let six = Array(digits.prefix(6)) + Array(repeating: 0x30, count: max(0, 6 - digits.count))
            return six.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }

        /// The zone in seconds east of UTC; 0 without one.
        mutating func offset() -> Int64? {
            if rest.isEmpty || skip("Z") || skip("z") { return 0 }
            let isEast = skip("+")
            guard isEast || skip("-"), let hours = number(2) else { return nil }
            _ = skip(":")
            let minutes = rest.isEmpty ? 0 : number(2)
            guard let minutes, hours < 24, minutes < 60 else { return nil }
            return (isEast ? 1 : -1) * (hours * 3_600 + minutes * 60)
        }
    }
}
