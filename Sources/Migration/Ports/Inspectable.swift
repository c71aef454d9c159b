/// A dependency that can say what it is and whether it can be used; what `migrate check` prints a line of.
package protocol Inspectable: Sendable {
    /// Reaches the service and reads its version, permissions, schema and a sample; writes nothing.
    ///
    /// - Throws: whatever keeps it from being used at all.
    func inspection() async throws(PortFailure) -> Inspection
}

/// What a dependency said of itself.
package struct Inspection: Sendable, Equatable {
    /// Product and version, for example `MariaDB 10.11.19, TLS 1.3`.
    package let product: String
    /// What was found in order, one short phrase each, for example `912,344 rows`.
    package let facts: [String]
    /// What keeps it from being used, one sentence each that says what to do.
    package let problems: [String]

    package init(product: String, facts: [String], problems: [String] = []) {
        self.product = product
        self.facts = facts
        self.problems = problems
    }
}
