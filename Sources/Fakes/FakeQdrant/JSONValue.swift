/// JSON as Qdrant's payloads hold it: 64-bit integers stay exact, and a long list of numbers stays compact.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// An integer above `Int64.max`.
    case unsigned(UInt64)
    case number(Double)
    case string(String)
    case list([JSONValue])
    /// A list of numbers of which at least one has a fraction: a vector.
    case numbers([Double])
    case object([String: JSONValue])

    /// The member of an object; nil for anything else, and for a null.
    package subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self, let member = members[name], member != .null else { return nil }
        return member
    }

    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var object: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }

    /// An integer, whatever its sign.
    package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }

    /// Any number.
    package var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .number(let value): value
        case .null, .bool, .string, .list, .numbers, .object: nil
        }
    }

    /// The elements of either kind of list.
    package var list: [JSONValue]? {
        switch self {
        case .list(let values): values
        case .numbers(let values): values.map(JSONValue.number)
        case .null, .bool, .integer, .unsigned, .number, .string, .object: nil
        }
    }

    /// A list of nothing but numbers, as a vector.
    package var floats: [Float]? {
        switch self {
        case .numbers(let values): return values.map { Float($0) }
        case .list(let values):
            var floats: [Float] = []
            floats.reserveCapacity(values.count)
            for value in values {
                guard let number = value.number else { return nil }
                floats.append(Float(number))
            }
            return floats
        case .null, .bool, .integer, .unsigned, .number, .string, .object: return nil
        }
    }

    /// The shortest decimal that gives the same `Float`, as Qdrant prints it.
    static func float(_ value: Float) -> Self { .number(shortest(value)) }

    /// A vector, each number as the shortest decimal that gives the same `Float`.
    static func floats(_ vector: [Float]) -> Self { .numbers(vector.map(shortest)) }

    private static func shortest(_ value: Float) -> Double { Double(value.description) ?? Double(value) }

    /// The list, or the one value in it: Qdrant takes both in many places.
    var listOrOne: [JSONValue] { list ?? [self] }

    /// This object with another one's members written over it, level by level; nulls change nothing.
    func merged(with change: JSONValue) -> JSONValue {
        guard case .object(var members) = self, case .object(let changes) = change else { return change }
        for (name, value) in changes where value != .null {
            members[name] = members[name].map { $0.merged(with: value) } ?? value
        }
        return .object(members)
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .list(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}
