import Basics
import FoundationEssentials
import Migration

/// How long a server asks to wait, from all the places in which servers say it.
extension OpenAIErrorAnswer {
    /// The wait in the headers.
    var statedWait: Duration? {
        if let text = headers["retry-after-ms"], let value = Double(text), let wait = Self.duration(value / 1_000) {
            return wait
        }
        guard let text = headers["retry-after"] else { return nil }
        if let seconds = Double(text) { return Self.duration(seconds) }
        // A date is only useful together with the server's own clock.
        guard let until = Self.date(text) else { return nil }
        let now = headers["date"].flatMap(Self.date) ?? Date().timeIntervalSince1970
        return Self.duration(max(0, until - now))
    }

    /// The wait in the sentence.
    var waitInText: Duration? { Self.wait(inText: message) }

    /// The wait of `Please try again in 2.812s`, `… in 6m0s`, `… in 12ms`; Azure's `retry after 26 seconds`, Gemini's `retry in 3s`.
    static func wait(inText text: String) -> Duration? {
        let starts = ["try again in ", "retry after ", "retry in "].lazy.compactMap {
            text.firstRange(of: $0)?.upperBound
        }
        guard let start = starts.first else { return nil }
        var seconds = 0.0
        var number = ""
        var unit = ""
        var parts = 0
        /// Adds `number unit`, and returns whether there was one.
        func add() -> Bool {
            guard let value = Double(number), let factor = units[unit] else { return false }
            seconds += value * factor
            parts += 1
            (number, unit) = ("", "")
            return true
        }
        for character in text[start...] {
            if character.isNumber || (character == "." && unit.isEmpty) {
                if !unit.isEmpty, !add() { break }
                number.append(character)
            } else if character.isLetter {
                unit.append(character)
            } else if character != " " || number.isEmpty || !unit.isEmpty {
                break
            }
        }
        _ = add()
        return parts > 0 ? duration(seconds) : nil
    }

    private static let units: [String: Double] = [
        "ms": 0.001, "s": 1, "second": 1, "seconds": 1, "m": 60, "minute": 60, "minutes": 60, "h": 3_600, "hour": 3_600,
        "hours": 3_600, "d": 86_400, "day": 86_400, "days": 86_400,
    ]

    /// The numbers in `Limit 1000000, Used 976163, Requested 70716`.
    struct Usage {
        let limit: Double
        let used: Double?
        let requested: Double?
        private let period: Double

        init?(_ text: String) {
            func number(after word: String) -> Double? {
                guard let start = text.firstRange(of: word + " ") else { return nil }
                return Double(text[start.upperBound...].prefix { $0.isNumber })
            }
            guard let limit = number(after: "Limit"), limit > 0 else { return nil }
            self.limit = limit
            used = number(after: "Used")
            requested = number(after: "Requested")
            period = text.contains("per day") ? 86_400 : 60
        }

        var limitText: String { Self.text(limit) }
        var requestedText: String { requested.map(Self.text) ?? "" }

        /// Without a fraction; another program's sentence may contain any number.
        private static func text(_ number: Double) -> String { number.fixedPoint(0) }

        /// How long the continuously refilled bucket takes until it holds the requested amount.
        var wait: Duration? {
            guard let used, let requested else { return nil }
            return OpenAIErrorAnswer.duration(max(0, used + requested - limit) / limit * period)
        }
    }

    /// Nil if it cannot be a wait; a wait of years is cut, because the engine cuts it further and reports it.
    static func duration(_ seconds: Double) -> Duration? {
        seconds.isFinite && seconds >= 0 ? .seconds(min(seconds, 1e7)) : nil
    }

    /// Seconds since 1970 of RFC 9110's form of a date, `Sun, 06 Nov 1994 08:49:37 GMT`; nil for any other text.
    ///
    /// The name of the day is not compared with the date. A day or an hour of one digit, names in another case and
    /// additional spaces, which the RFC does not allow, are accepted too.
    static func date(_ text: String) -> Double? {
        let form =
            /\s*(?:sun|mon|tue|wed|thu|fri|sat),\s+(\d\d?)\s+([a-z]{3})\s+(\d{4})\s+(\d\d?):(\d\d?):(\d\d?)\s+gmt\s*/
        guard let match = text.lowercased().wholeMatch(of: form), let month = months.firstIndex(of: String(match.2))
        else { return nil }
        func padded(_ number: Substring) -> String { number.count == 1 ? "0\(number)" : String(number) }
        let day = "\(match.3)-\(padded("\(month + 1)"))-\(padded(match.1))"
        let time = [match.4, match.5, match.6].map(padded).joined(separator: ":")
        // The parser refuses a day that the month does not have, and an invalid time of day.
        return DatabaseTime(text: "\(day)T\(time).000000Z").map { Double($0.microseconds / 1_000_000) }
    }

    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
}
