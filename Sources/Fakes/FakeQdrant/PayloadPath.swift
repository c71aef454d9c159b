/// The place of values in a payload, as in `a.b[].c`, with Qdrant's rules: a list is entered only by `[]` or `[3]`, and a
/// name with other characters than letters, digits, `_` and `-` stands in quotation marks.
package struct PayloadPath: Sendable, Hashable {
    private enum Step: Sendable, Hashable {
        case member(String)
        case element(Int)
        case everyElement
    }

    /// The path as it was given.
    let text: String
    private let first: String
    private let rest: [Step]

    /// A path of one plain name.
    init(_ name: String) { self.init(text: name, first: name, rest: []) }

    private init(text: String, first: String, rest: [Step]) {
        self.text = text
        self.first = first
        self.rest = rest
    }

    /// Reads a path.
    init(json value: JSONValue) throws(QdrantRefusal) {
        guard let text = value.string, let path = PayloadPath(reading: text) else {
            throw .malformed("Invalid json path: '\(value.string ?? "\(value)")'")
        }
        self = path
    }

    init?(reading text: String) {
        var reader = Reader(rest: text[...])
        guard let first = reader.name() else { return nil }
        var steps: [Step] = []
        while let step = reader.step() { steps.append(step) }
        guard reader.rest.isEmpty else { return nil }
        self.init(text: text, first: first, rest: steps)
    }

    /// This path to the elements of the list that it leads to.
    var elements: Self {
        rest.last == .everyElement ? self : Self(text: text + "[]", first: first, rest: rest + [.everyElement])
    }

    /// Calls `body` with every value at this path until it returns true.
    ///
    /// - Returns: whether `body` returned true.
    func contains(in payload: [String: JSONValue], _ body: (JSONValue) -> Bool) -> Bool {
        guard let value = payload[first] else { return false }
        return rest.isEmpty ? body(value) : Self.contains(value, rest[...], body)
    }

    /// Every value at this path.
    func values(in payload: [String: JSONValue]) -> [JSONValue] {
        var values: [JSONValue] = []
        _ = contains(in: payload) { value in
            values.append(value)
            return false
        }
        return values
    }

    /// Merges members into the object at this path, which is made if it is not there; a null removes a member.
    func merge(_ members: [String: JSONValue], into payload: inout [String: JSONValue]) {
        Self.merge(members, at: rest[...], into: &payload[first, default: .null])
    }

    /// Removes the values at this path.
    func remove(from payload: inout [String: JSONValue]) {
        guard var value = payload[first] else { return }
        if rest.isEmpty {
            payload[first] = nil
        } else {
            Self.remove(rest[...], from: &value)
            payload[first] = value
        }
    }

    private static func contains(_ value: JSONValue, _ steps: ArraySlice<Step>, _ body: (JSONValue) -> Bool) -> Bool {
        guard let step = steps.first else { return body(value) }
        let rest = steps.dropFirst()
        switch step {
        case .member(let name):
            guard let member = value.object?[name] else { return false }
            return contains(member, rest, body)
        case .element(let index):
            guard let list = value.list, index < list.count else { return false }
            return contains(list[index], rest, body)
        case .everyElement: return value.list?.contains { contains($0, rest, body) } ?? false
        }
    }

    private static func merge(
        _ members: [String: JSONValue],
        at steps: ArraySlice<Step>,
        into value: inout JSONValue
    ) {
        guard let step = steps.first else {
            var object = value.object ?? [:]
            object.merge(qdrant: members)
            value = .object(object)
            return
        }
        let rest = steps.dropFirst()
        switch step {
        case .member(let name):
            var object = value.object ?? [:]
            merge(members, at: rest, into: &object[name, default: .null])
            value = .object(object)
        case .element(let index):
            var list = value.list ?? []
            if index < list.count { merge(members, at: rest, into: &list[index]) }
            value = .list(list)
        case .everyElement:
            var list = value.list ?? []
            for index in list.indices { merge(members, at: rest, into: &list[index]) }
            value = .list(list)
        }
    }

    private static func remove(_ steps: ArraySlice<Step>, from value: inout JSONValue) {
        guard let step = steps.first else { return }
        let rest = steps.dropFirst()
        switch step {
        case .member(let name):
            guard var object = value.object else { return }
            if rest.isEmpty {
                object[name] = nil
            } else if var inner = object[name] {
                remove(rest, from: &inner)
                object[name] = inner
            }
            value = .object(object)
        case .element(let index):
            // As in Qdrant, one element cannot be removed: a repeated request would remove the next one.
            guard var list = value.list, index < list.count, !rest.isEmpty else { return }
            remove(rest, from: &list[index])
            value = .list(list)
        case .everyElement:
            guard var list = value.list else { return }
            for index in list.indices { remove(rest, from: &list[index]) }
            value = .list(rest.isEmpty ? [] : list)
        }
    }

    private struct Reader {
        var rest: Substring

        mutating func name() -> String? {
            if rest.first == "\"" {
                let inner = rest.dropFirst().prefix { $0 != "\"" && $0 != "\\" }
                guard rest[inner.endIndex...].first == "\"" else { return nil }
                rest = rest[inner.endIndex...].dropFirst()
                return String(inner)
            }
            let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
            rest = rest[name.endIndex...]
            return name.isEmpty ? nil : String(name)
        }

        mutating func step() -> Step? {
            let before = rest
            switch rest.popFirst() {
            case ".": if let name = name() { return .member(name) }
            case "[":
                let digits = rest.prefix { $0.isASCII && $0.isNumber }
                rest = rest[digits.endIndex...]
                if rest.popFirst() == "]" {
                    if digits.isEmpty { return .everyElement }
                    if let index = Int(digits) { return .element(index) }
                }
            default: break
            }
            rest = before
            return nil
        }
    }
}

// MARK: - Parts of a payload in an answer

extension PayloadPath {
    /// The parts of a payload that one of the paths leads to, or that contain such a part.
    static func included(_ paths: [Self], of payload: [String: JSONValue]) -> [String: JSONValue] {
        filtered(payload) { first, steps in
            paths.contains { $0.first == first && zip($0.rest, steps).allSatisfy { $0 == $1 } }
        }
    }

    /// The payload without the parts that one of the paths leads to.
    static func excluded(_ paths: [Self], of payload: [String: JSONValue]) -> [String: JSONValue] {
        filtered(payload) { first, steps in
            !paths.contains { $0.first == first && $0.rest == steps }
        }
    }

    private static func filtered(
        _ payload: [String: JSONValue],
        _ isWanted: (_ first: String, _ steps: [Step]) -> Bool
    ) -> [String: JSONValue] {
        var result: [String: JSONValue] = [:]
        for (name, value) in payload where isWanted(name, []) {
            result[name] = filtered(value, at: []) { isWanted(name, $0) }
        }
        return result
    }

    /// Elements of lists are all kept; what is in them is filtered.
    private static func filtered(_ value: JSONValue, at steps: [Step], _ isWanted: ([Step]) -> Bool) -> JSONValue {
        switch value {
        case .object(let members):
            var result: [String: JSONValue] = [:]
            for (name, member) in members {
                let place = steps + [.member(name)]
                if isWanted(place) { result[name] = filtered(member, at: place, isWanted) }
            }
            return .object(result)
        case .list, .numbers:
            let place = steps + [.everyElement]
            guard isWanted(place) else { return .list([]) }
            return .list((value.list ?? []).map { filtered($0, at: place, isWanted) })
        case .null, .bool, .integer, .unsigned, .number, .string: return value
        }
    }
}

extension [String: JSONValue] {
    /// Merges the way Qdrant sets a payload: a null removes a key.
    mutating func merge(qdrant new: [String: JSONValue]) {
        for (name, value) in new { self[name] = value == .null ? nil : value }
    }
}
