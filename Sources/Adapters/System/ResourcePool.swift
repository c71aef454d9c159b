import DequeModule
package import Migration
import Synchronization

/// At most `limit` resources, made when first needed and lent to one user at a time; users that find none wait in the
/// order of their arrival.
///
/// A class with a lock and not an actor: a cancellation handler, which cannot await, must be able to cancel a waiter.
package final class ResourcePool<Resource: Sendable>: Sendable {
    /// The answer to a user: a resource, nil for the permit to make one, or why there is neither.
    private typealias Grant = Result<Resource?, PortFailure>

    private struct Waiter {
        let number: UInt64
        let continuation: CheckedContinuation<Grant, Never>
    }

    private struct State {
        /// Unused resources; the one that was returned last is lent first, because it was used most recently.
        var idle: [Resource] = []
        /// The number of lent resources and permits.
        var lent = 0
        var waiters: Deque<Waiter> = []
        var nextNumber: UInt64 = 0
    }

    private let limit: Int
    private let waitersMax: Int
    private let make: @Sendable () async throws(PortFailure) -> Resource
    private let isUsable: @Sendable (Resource) async -> Bool
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: the highest number of resources at a time, idle ones included.
    ///   - waitersMax: the highest number of waiting users; the next one gets `unavailable`.
    ///   - make: makes a resource; its error goes to the user for whom it was made.
    ///   - isUsable: called when a resource comes back; an unusable one is dropped.
    package init(
        limit: Int,
        waitersMax: Int = 10_000,
        make: @escaping @Sendable () async throws(PortFailure) -> Resource,
        isUsable: @escaping @Sendable (Resource) async -> Bool = { _ in true }
    ) {
        precondition(limit > 0 && waitersMax > 0)
        self.limit = limit
        self.waitersMax = waitersMax
        self.make = make
        self.isUsable = isUsable
    }

    /// Lends a resource to `body`, which must not keep it.
    ///
    /// - Throws: what `make` or `body` throws; `cancelled` when the task was cancelled while it waited.
    package func use<Value>(
        _ body: (Resource) async throws(PortFailure) -> Value
    ) async throws(PortFailure) -> Value {
        let resource = try await take()
        do {
            let value = try await body(resource)
            await giveBack(resource)
            return value
        } catch {
            await giveBack(resource)
            throw error
        }
    }

    /// Drops every idle resource; those in use are kept when they come back, and stay usable then.
    package func dropIdle() { state.withLock { $0.idle.removeAll() } }

    private func take() async throws(PortFailure) -> Resource {
        if let resource = try await grant().get() { return resource }
        do { return try await make() } catch {
            release(nil)
            throw error
        }
    }

    private func giveBack(_ resource: Resource) async {
        release(await isUsable(resource) ? resource : nil)
    }

    private func grant() async -> Grant {
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                ask(Waiter(number: number, continuation: continuation))
            }
        } onCancel: {
            cancel(number)
        }
    }

    /// Answers at once if possible, and otherwise puts the waiter at the end of the queue.
    private func ask(_ waiter: Waiter) {
        let answer: Grant? = state.withLock { state in
            // Checked under the lock: a later cancellation finds the waiter in the queue.
            if Task.isCancelled { return .failure(Self.cancelled) }
            if state.lent < limit {
                state.lent += 1
                return .success(state.idle.popLast())
            }
            if state.waiters.count >= waitersMax {
                return .failure(PortFailure(.unavailable, "\(waitersMax) calls are waiting for a connection already"))
            }
            state.waiters.append(waiter)
            return nil
        }
        if let answer { waiter.continuation.resume(returning: answer) }
    }

    private func cancel(_ number: UInt64) {
        let waiter: Waiter? = state.withLock { state in
            guard let index = state.waiters.firstIndex(where: { $0.number == number }) else { return nil }
            return state.waiters.remove(at: index)
        }
        waiter?.continuation.resume(returning: .failure(Self.cancelled))
    }

    /// Passes a resource, or with nil a permit, to the first waiter, or takes it back.
    private func release(_ resource: Resource?) {
        let waiter: Waiter? = state.withLock { state in
            if let first = state.waiters.popFirst() { return first }
            state.lent -= 1
            if let resource { state.idle.append(resource) }
            return nil
        }
        waiter?.continuation.resume(returning: .success(resource))
    }

    private static var cancelled: PortFailure { PortFailure(.cancelled, "cancelled while waiting for a connection") }
}
