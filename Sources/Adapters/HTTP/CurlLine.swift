import CCurl
import Glibc
import Migration
import Synchronization

/// One request on its way into the loop, and the flag that cancels it.
final class CurlTicket: Sendable {
    let request: HTTPRequest
    let address: HTTPAddress
    let deadline: ContinuousClock.Instant
    /// Set before the loop is told, so that a cancellation that overtakes its request is seen too.
    let isCancelled = Atomic(false)

    init(_ request: HTTPRequest, _ address: HTTPAddress) {
        self.request = request
        self.address = address
        deadline = .now + request.totalTimeout
    }
}

/// The queue between callers on any thread and the loop on its own thread: bounded, and it wakes the loop.
@safe
final class CurlLine: Sendable {
    typealias Continuation = CheckedContinuation<Result<HTTPResponse, PortFailure>, Never>

    enum Command {
        case start(CurlTicket, Continuation)
        case cancel(CurlTicket)
        case close
    }

    private struct State {
        var commands: [Command] = []
        /// Requests started and not yet answered.
        var requests = 0
    }

    /// libcurl's multi handle.
    ///
    /// Other threads than the loop's call only `curl_multi_wakeup`, which is made for that; the loop frees the handle
    /// after `close`, the last call of all.
    nonisolated(unsafe) let multi: UnsafeMutableRawPointer
    private let requestsMax: Int
    private let state = Mutex(State())

    init(requestsMax: Int) throws(PortFailure) {
        guard CurlLine.isLibraryReady, let multi = unsafe curl_multi_init() else {
            throw PortFailure(.unavailable, "libcurl: no memory")
        }
        unsafe self.multi = multi
        self.requestsMax = requestsMax
    }

    func start(_ ticket: CurlTicket, _ continuation: Continuation) {
        let isAccepted = state.withLock { state in
            guard state.requests < requestsMax else { return false }
            state.requests += 1
            state.commands.append(.start(ticket, continuation))
            return true
        }
        if isAccepted {
            wake()
        } else {
            let detail = "\(requestsMax) requests are already in progress in this process"
            continuation.resume(returning: .failure(PortFailure(.unavailable, detail)))
        }
    }

    func cancel(_ ticket: CurlTicket) {
        ticket.isCancelled.store(true, ordering: .sequentiallyConsistent)
        state.withLock { $0.commands.append(.cancel(ticket)) }
        wake()
    }

    func close() {
        state.withLock { $0.commands.append(.close) }
        wake()
    }

    /// Called by the loop: returns everything since the last call.
    func take() -> [Command] {
        state.withLock { state in
            defer { state.commands.removeAll(keepingCapacity: true) }
            return state.commands
        }
    }

    /// Called by the loop: a request has its answer.
    func finish(_ continuation: Continuation, _ result: Result<HTTPResponse, PortFailure>) {
        state.withLock { $0.requests -= 1 }
        continuation.resume(returning: result)
    }

    private func wake() { _ = unsafe curl_multi_wakeup(multi) }

    /// Once per process.
    ///
    /// Writing to a connection that the peer has closed must be an error and must not end the process: libcurl's
    /// NOSIGNAL leaves SIGPIPE to the program.
    private static let isLibraryReady: Bool = {
        _ = signal(SIGPIPE, SIG_IGN)
        return curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
    }()
}
