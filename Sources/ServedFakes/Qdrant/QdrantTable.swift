/// What the fake serves of Qdrant's interface, as a table for people.
extension QdrantRoutes {
    /// Markdown: a row per route with the members of its body, and the parts below them that are not served.
    package static var document: String {
        var rows = ["| Route | Answer | Served | 501 | Without effect |", "| --- | --- | --- | --- | --- |"]
        for route in all {
            let isServed = served.contains(route.name)
            var cells: [Standing: [String]] = [:]
            for (name, standing) in isServed ? members(of: route.body) : [] {
                cells[standing, default: []].append(name)
            }
            let columns = [Standing.served, .refused, .withoutEffect].map { standing in
                cells[standing, default: []].map { "`\($0)`" }.joined(separator: ", ")
            }
            rows.append("| `\(route.name)` | \(isServed ? "served" : "501") | \(columns.joined(separator: " | ")) |")
        }
        let parts = unserved.sorted().map { "`\($0)`" }.joined(separator: ", ")
        return
            (rows + ["", "Parts of requests that are answered with 501, by their names in Qdrant's OpenAPI: \(parts)."])
            .joined(separator: "\n") + "\n"
    }

    private enum Standing {
        case served, refused, withoutEffect
    }

    /// The members of a body, through the alternatives that it may have.
    private static func members(of body: String?) -> [(name: String, standing: Standing)] {
        guard let body, let shape = check.shapes[body] else { return [] }
        var found: [(name: String, standing: Standing)] = []
        func add(_ shape: Shape, in owner: String) {
            switch shape {
            case .object(let members, _):
                for member in members where !found.contains(where: { $0.name == member.name }) {
                    found.append((member.name, standing(of: member, in: owner)))
                }
            case .either(let shapes): for shape in shapes { add(shape, in: owner) }
            case .named(let name): if let shape = check.shapes[name] { add(shape, in: name) }
            default: break
            }
        }
        add(shape, in: body)
        return found
    }

    private static func standing(of member: Shape.Member, in owner: String) -> Standing {
        let place = "\(owner).\(member.name)"
        var shape = member.shape
        if case .nullable(let inner) = shape { shape = inner }
        if unserved.contains(place) { return .refused }
        if case .named(let name) = shape, unserved.contains(name) { return .refused }
        return withoutEffect.contains(place) ? .withoutEffect : .served
    }
}
