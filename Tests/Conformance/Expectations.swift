import Migration

/// A promise that a port did not keep.
struct RuleBroken: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Throws unless the condition holds.
func expect(_ condition: Bool, _ what: @autoclosure () -> String, line: Int = #line) throws {
    if !condition { throw RuleBroken("line \(line): \(what())") }
}

/// Throws unless two values are equal, and shows both.
func expectEqual<Value: Equatable>(
    _ value: Value,
    _ expected: Value,
    _ what: @autoclosure () -> String,
    line: Int = #line
) throws {
    try expect(value == expected, "\(what()): expected \(expected), got \(value)", line: line)
}

/// Throws unless a value lies in a range.
func expectWithin(_ value: Int, _ range: ClosedRange<Int>, _ what: @autoclosure () -> String, line: Int = #line) throws
{
    try expect(range.contains(value), "\(what()): expected \(range), got \(value)", line: line)
}

/// Throws unless the call is refused as a caller's bug.
func expectRejected(_ what: String, line: Int = #line, _ call: () async throws -> some Sendable) async throws {
    do {
        let answer = try await call()
        throw RuleBroken("line \(line): \(what) was accepted: \(answer)")
    } catch let failure as PortFailure {
        // 22…: a bad value; 23…: a constraint of the tables.
        let isBadInput = failure.code.map { $0.hasPrefix("22") || $0.hasPrefix("23") } ?? false
        try expect(
            failure.kind == .rejected && isBadInput,
            "\(what): expected a rejection with code 22023, got \(failure.kind) \(failure.code ?? "without code")",
            line: line
        )
    }
}
