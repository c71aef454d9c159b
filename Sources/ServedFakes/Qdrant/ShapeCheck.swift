import Fakes

/// Compares a request with the shape that Qdrant's interface gives it, and with what the fake serves of it.
struct ShapeCheck: Sendable {
    /// What a comparison found first.
    enum Finding: Error, Equatable {
        /// Not of the shape: `text` in the words of serde.
        case malformed(String)
        /// Of the shape, but a number or a length is outside its bounds.
        case outOfBounds(path: String, String)
        /// Right for Qdrant, and not served here.
        case unserved(String)
    }

    let shapes: [String: Shape]
    /// Shapes, and members as in `QueryRequest.lookup_from`, that the fake does not serve.
    let unserved: Set<String>

    /// - Throws: what is wrong with the value, or not served.
    func check(_ value: JSONValue, as name: String) throws(Finding) {
        if let finding = finding(value, .named(name), in: name, at: "") { throw finding }
    }

    /// The first finding in a value; `owner` is the name of the shape that contains this one, `path` the place in the request.
    private func finding(_ value: JSONValue, _ shape: Shape, in owner: String, at path: String) -> Finding? {
        switch shape {
        case .any: return nil
        case .nullable(let inner): return value == .null ? nil : finding(value, inner, in: owner, at: path)
        case .named(let name):
            guard let shape = shapes[name] else { preconditionFailure("no shape \(name)") }
            var found = finding(value, shape, in: name, at: path)
            // The one shape with a text of its own.
            if name == "ExtendedPointId", case .malformed? = found { found = .malformed(Self.badID(value)) }
            return found == nil && unserved.contains(name) ? .unserved(name) : found
        case .either(let shapes): return either(value, shapes, in: owner, at: path)
        case .list(let element, let least): return list(value, element, least, in: owner, at: path)
        case .map(let inner):
            guard let members = value.object else { return .malformed(Self.invalid(value, "a map")) }
            for name in members.keys.sorted() {
                let place = Self.join(path, name)
                if let found = finding(members[name] ?? .null, inner, in: owner, at: place) { return found }
            }
            return nil
        case .object(let members, let isClosed): return object(value, members, isClosed, in: owner, at: path)
        case .bool, .string, .datetime, .uuid, .float, .int, .uint, .words: return simple(value, shape, at: path)
        }
    }

    /// The first alternative that fits decides, as in serde's untagged enums.
    private func either(_ value: JSONValue, _ shapes: [Shape], in owner: String, at path: String) -> Finding? {
        var nearest: Finding?
        for shape in shapes {
            switch finding(value, shape, in: owner, at: path) {
            case nil: return nil
            case .malformed: continue
            case let found?: nearest = nearest ?? found
            }
        }
        if let nearest { return nearest }
        // What names the members of just one alternative means that one.
        let meant = shapes.filter { isMeant($0, by: value) }
        if meant.count == 1, let found = finding(value, meant[0], in: owner, at: path) { return found }
        return .malformed("data did not match any variant of untagged enum \(owner)")
    }

    /// Whether a value has every member that an alternative requires, of which there is at least one.
    private func isMeant(_ shape: Shape, by value: JSONValue) -> Bool {
        var shape = shape
        while case .named(let name) = shape, let inner = shapes[name] { shape = inner }
        guard case .object(let members, _) = shape, let given = value.object else { return false }
        let required = members.filter(\.isRequired)
        return !required.isEmpty && required.allSatisfy { given[$0.name] != nil }
    }

    private func list(
        _ value: JSONValue,
        _ element: Shape,
        _ least: Int,
        in owner: String,
        at path: String
    ) -> Finding? {
        // A list of numbers with fractions: the frequent case of a vector.
        if case .numbers(let numbers) = value, case .float = element {
            return numbers.allSatisfy(Self.isFloat) ? nil : .malformed(Self.tooLarge)
        }
        guard let values = value.list else { return .malformed(Self.invalid(value, "a sequence")) }
        for (index, value) in values.enumerated() {
            if let found = finding(value, element, in: owner, at: "\(path)[\(index)]") { return found }
        }
        return values.count < least ? .outOfBounds(path: path, "must not be empty") : nil
    }

    private func object(
        _ value: JSONValue,
        _ members: [Shape.Member],
        _ isClosed: Bool,
        in owner: String,
        at path: String
    ) -> Finding? {
        guard let given = value.object else { return .malformed(Self.invalid(value, "struct \(owner)")) }
        if isClosed, let other = given.keys.filter({ name in !members.contains { $0.name == name } }).min() {
            let names = members.map { "`\($0.name)`" }.joined(separator: ", ")
            return .malformed("unknown field `\(other)`, expected one of \(names)")
        }
        var unserved: Finding?
        var outside: Finding?
        for member in members {
            guard let value = given[member.name] else {
                if member.isRequired { return .malformed("missing field `\(member.name)`") }
                continue
            }
            switch finding(value, member.shape, in: owner, at: Self.join(path, member.name)) {
            case .malformed(let text): return .malformed(text)
            case .unserved(let what): unserved = unserved ?? .unserved(what)
            case let found?: outside = outside ?? found
            case nil:
                let name = "\(owner).\(member.name)"
                if value != .null, self.unserved.contains(name) { unserved = unserved ?? .unserved(name) }
            }
        }
        return outside ?? unserved
    }

    private func simple(_ value: JSONValue, _ shape: Shape, at path: String) -> Finding? {
        switch shape {
        case .bool: return value.bool == nil ? .malformed(Self.invalid(value, "a boolean")) : nil
        case .string(let least):
            guard let text = value.string else { return .malformed(Self.invalid(value, "a string")) }
            return text.unicodeScalars.count < least ? .outOfBounds(path: path, "length must be at least 1") : nil
        case .datetime:
            let isRight = value.string.flatMap(QdrantDate.init) != nil
            return isRight ? nil : .malformed("failed to parse \(Self.shown(value)) as a datetime")
        case .uuid:
            let isRight = value.string != nil && (try? QdrantPointKey(json: value)) != nil
            return isRight ? nil : .malformed(Self.badID(value))
        case .words(let words):
            guard let word = value.string else { return .malformed(Self.invalid(value, "a string")) }
            let known = words.map { "`\($0)`" }.joined(separator: ", ")
            return words.contains(word) ? nil : .malformed("unknown variant `\(word)`, expected one of \(known)")
        case .float(let bounds):
            guard let number = value.number else { return .malformed(Self.invalid(value, "f32")) }
            guard Self.isFloat(number) else { return .malformed(Self.tooLarge) }
            return Self.outside(number, bounds, shown: "\(number)", at: path)
        case .int(let bounds):
            guard let number = value.integer else { return .malformed(Self.invalid(value, "i64")) }
            return Self.outside(Double(number), bounds, shown: "\(number)", at: path)
        case .uint(let bounds): return unsigned(value, bounds, at: path)
        default: return nil
        }
    }

    private func unsigned(_ value: JSONValue, _ bounds: Shape.Bounds, at path: String) -> Finding? {
        let number: UInt64
        switch value {
        case .integer(let given) where given >= 0: number = UInt64(given)
        case .unsigned(let given): number = given
        default: return .malformed(Self.invalid(value, "an unsigned integer"))
        }
        // A number that the type cannot hold is no number for serde; one below the minimum is refused afterwards.
        if let most = bounds.most, Double(number) > most {
            return .malformed(Self.invalid(value, "an integer of at most \(Int(most))"))
        }
        // Above this, the servers that count in i64 refuse it, and so do we: no number here may overflow.
        if number > UInt64(Int64.max), bounds.least != nil { return .malformed(Self.invalid(value, "a size")) }
        return Self.outside(Double(number), bounds, shown: "\(number)", at: path)
    }

    // MARK: - Words

    private static let tooLarge = "number out of range"

    private static func isFloat(_ number: Double) -> Bool { Float(number).isFinite }

    private static func outside(_ number: Double, _ bounds: Shape.Bounds, shown: String, at path: String) -> Finding? {
        guard !bounds.contains(number) else { return nil }
        if let least = bounds.least, number < least {
            return .outOfBounds(path: path, "value \(shown) invalid, must be \(Int(least)) or larger")
        }
        return .outOfBounds(path: path, "value \(shown) invalid, must be \(Int(bounds.most ?? 0)) or smaller")
    }

    private static func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    private static func invalid(_ value: JSONValue, _ expected: String) -> String {
        "invalid type: \(shown(value)), expected \(expected)"
    }

    static func badID(_ value: JSONValue) -> String {
        "value \(plain(value)) is not a valid point ID, valid values are either an unsigned integer or a UUID"
    }

    private static func plain(_ value: JSONValue) -> String {
        value.string ?? String(decoding: value.data, as: UTF8.self)
    }

    /// A value as serde names it.
    private static func shown(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): "boolean `\(value)`"
        case .integer(let value): "integer `\(value)`"
        case .unsigned(let value): "integer `\(value)`"
        case .number(let value): "floating point `\(value)`"
        case .string(let text): "string \"\(text)\""
        case .list, .numbers: "sequence"
        case .object: "map"
        }
    }
}
