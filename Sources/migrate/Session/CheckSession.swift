import Migration

/// `migrate check`: looks at every dependency at once and gives each a line.
struct CheckSession: Sendable {
    /// A dependency and how to look at it.
    struct Dependency: Sendable {
        let name: String
        let inspect: @Sendable () async throws -> Inspection
    }

    let dependencies: [Dependency]

    func run() async -> CheckReport {
        await withTaskGroup(of: (Int, CheckReport.Item).self) { group in
            for (place, dependency) in dependencies.enumerated() {
                group.addTask { (place, await look(at: dependency)) }
            }
            let found = await group.reduce(into: []) { $0.append($1) }
            return CheckReport(items: found.sorted { $0.0 < $1.0 }.map(\.1))
        }
    }

    private func look(at dependency: Dependency) async -> CheckReport.Item {
        do {
            let found = try await dependency.inspect()
            return CheckReport.Item(
                name: dependency.name,
                isUsable: found.problems.isEmpty,
                product: found.product,
                facts: found.facts,
                problems: found.problems
            )
        } catch {
            let problem = (error as? CommandEnd)?.message ?? "\(error)"
            return CheckReport.Item(
                name: dependency.name,
                isUsable: false,
                product: nil,
                facts: [],
                problems: [problem]
            )
        }
    }
}

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

    /// One line a dependency; what is wrong follows below it.
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
