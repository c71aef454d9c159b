import Migration
import Terminal

/// `migrate check`: checks all dependencies at once, and prints a line for each.
struct CheckSession: Sendable {
    /// A dependency and its check.
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
