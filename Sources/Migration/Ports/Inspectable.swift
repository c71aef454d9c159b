/// A dependency that can say what it is and whether it can be used; `migrate check` prints a line for each.
package protocol Inspectable: Sendable {
    /// Reaches the service and reads its version, permissions, schema and a sample; writes nothing.
    ///
    /// - Throws: the failure that prevents any use of it.
    func inspection() async throws(PortFailure) -> Inspection
}

/// The result of inspecting a dependency.
package struct Inspection: Sendable, Equatable {
    /// Product and version, for example `MariaDB 10.11.19, TLS 1.3`.
    package let product: String
    /// The findings in order, one short phrase each, for example `912,344 rows`.
    package let facts: [String]
    /// The problems that prevent its use, one sentence each that says what to do.
    package let problems: [String]

    package init(product: String, facts: [String], problems: [String] = []) {
        self.product = product
        self.facts = facts
        self.problems = problems
    }
}
