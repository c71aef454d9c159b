/// The answer of `migrate check`.
struct CheckReport: Encodable, Equatable {
    struct Item: Encodable, Equatable {
        let name: String
        let isUsable: Bool
        let product: String?
        let facts: [String]
        let problems: [String]
    }

    let items: [Item]

    var isUsable: Bool { items.allSatisfy(\.isUsable) }

    /// One line per dependency; its problems follow below it.
    var text: String {
        let width = items.map(\.name.count).max() ?? 0
        return items.flatMap { item in
            let name = item.name + String(repeating: " ", count: width - item.name.count)
            let said = ([item.product].compactMap(\.self) + item.facts).joined(separator: ", ")
            guard !item.isUsable else { return ["ok    \(name)  \(said)"] }
            if said.isEmpty, item.problems.count == 1 { return ["FAIL  \(name)  \(item.problems[0])"] }
            return ["FAIL  \(name)  \(said)"] + item.problems.map { "      \(name)  \($0)" }
        }.joined(separator: "\n")
    }
}
