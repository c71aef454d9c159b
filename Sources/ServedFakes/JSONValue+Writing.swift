import Fakes
package import Foundation

extension JSONValue {
    /// The value as JSON, members in the order of their names.
    package var data: Data {
        var text = ""
        write(to: &text)
        return Data(text.utf8)
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += value.description
        case .unsigned(let value): text += value.description
        case .number(let value): text += Self.number(value)
        case .string(let value): Self.write(value, to: &text)
        case .list(let values): Self.write(values, "[", "]", to: &text) { $0.write(to: &$1) }
        case .numbers(let values): Self.write(values, "[", "]", to: &text) { $1 += Self.number($0) }
        case .object(let members):
            Self.write(members.sorted { $0.key < $1.key }, "{", "}", to: &text) { member, text in
                Self.write(member.key, to: &text)
                text += ":"
                member.value.write(to: &text)
            }
        }
    }

    /// A number as serde prints it: no plus sign and no zero in front of an exponent.
    private static func number(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        let text = value.description
        guard let mark = text.firstIndex(of: "e") else { return text }
        let sign = text[text.index(after: mark)] == "-" ? "-" : ""
        return text[..<mark] + "e" + sign + text[mark...].dropFirst(2).drop { $0 == "0" }
    }

    private static func write<Element>(
        _ elements: [Element],
        _ open: String,
        _ close: String,
        to text: inout String,
        _ body: (Element, inout String) -> Void
    ) {
        text += open
        for (index, element) in elements.enumerated() {
            if index > 0 { text += "," }
            body(element, &text)
        }
        text += close
    }

    private static func write(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\u{0}"..<" ":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
