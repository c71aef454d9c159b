/// Something that is due at a moment, for one node.
package final class SimTimer: @unchecked Sendable {  // Confined to the simulation's thread.
    @safe enum Due {
        case sleep(UnsafeContinuation<Void, any Error>)
        case action(() -> Void)
        case nothing
    }

    let node: SimNode
    @safe @exclusivity(unchecked) var due: Due

    init(_ node: SimNode, _ due: Due) {
        self.node = node
        self.due = due
    }

    /// Cancels what is due; a task that sleeps on it wakes up with a `CancellationError`.
    package func cancel() {
        let due = due
        self.due = .nothing
        if case .sleep(let continuation) = due { unsafe continuation.resume(throwing: CancellationError()) }
    }
}
