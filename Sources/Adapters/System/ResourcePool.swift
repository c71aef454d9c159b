import DequeModule
package import Migration
import Synchronization

/// At most `limit` resources, made when first needed and lent to one user at a time; users that find none wait in
/// the order they came.
///
/// A class with a lock and not an actor: cancelling a waiter must be possible from a cancellation handler, which
/// cannot await.
package final class ResourcePool<Resource: Sendable>: Sendable {
    /// What a user is told: a resource, nil for the permit to make one, or why there is neither.
    private typealias Grant = Result<Resource?, PortFailure>

    private struct Waiter {
        let number: UInt64
        let continuation: CheckedContinuation<Grant, Never>
    }

    private struct State {
        /// Resources nobody uses; the last one returned is lent first, being the warmest.
        var idle: [Resource] = []
        /// Resources and permits that are out.
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
    ///   - limit: the most resources there ever are at a time, idle ones included.
    ///   - waitersMax: the most users that may wait; the next one is told `unavailable`.
    ///   - make: makes a resource; its error goes to the user it was made for.
    ///   - isUsable: asked when a resource comes back; one that is not is dropped.
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

    /// Lets go of every idle resource; those in use are kept until they come back and stay usable then.
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

    /// Answers at once where possible, and otherwise puts the waiter at the end of the line.
    private func ask(_ waiter: Waiter) {
        let answer: Grant? = state.withLock { state in
            // Asked under the lock: a cancellation that comes later finds the waiter in the line.
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

    /// Passes a resource, or with nil a permit, on to the first waiter, or takes it back.
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
