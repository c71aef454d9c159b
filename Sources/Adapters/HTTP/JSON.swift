/// A JSON value; numbers keep every digit.
enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// The number as it was written: fractions, exponents, and integers beyond 64 signed bits.
    case number(String)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// Reads one whole document.
    init(_ bytes: [UInt8]) throws(JSONError) {
        var scanner = JSONScanner(bytes)
        self = try JSON(&scanner)
        try scanner.end()
    }

    private init(_ scanner: inout JSONScanner) throws(JSONError) {
        switch scanner.peek() {
        case UInt8(ascii: "{"):
            var members: [String: JSON] = [:]
            try scanner.object { scanner, key throws(JSONError) in members[key] = try JSON(&scanner) }
            self = .object(members)
        case UInt8(ascii: "["):
            var elements: [JSON] = []
            try scanner.array { scanner throws(JSONError) in elements.append(try JSON(&scanner)) }
            self = .array(elements)
        case UInt8(ascii: "\""): self = .string(try scanner.string())
        default:
            if scanner.literal("null") {
                self = .null
            } else if scanner.literal("true") {
                self = .bool(true)
            } else if scanner.literal("false") {
                self = .bool(false)
            } else {
                let text = try scanner.number()
                guard Double(text) != nil else { throw scanner.failure }
                self = Int64(text).map(JSON.integer) ?? .number(text)
            }
        }
    }

    /// A member; nil if this is no object or has no such member.
    subscript(key: String) -> JSON? { object?[key] }

    var object: [String: JSON]? { if case .object(let value) = self { value } else { nil } }
    var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
    var string: String? { if case .string(let value) = self { value } else { nil } }
    var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    var isNull: Bool { self == .null }

    var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let text): Double(text)
        default: nil
        }
    }
}
