import CCurl
import Migration
import Synchronization

/// The loop that drives all transfers of a client; made, run and ended on one thread.
@safe
struct CurlLoop {
    struct Settings: Sendable {
        let authorities: String?
        let connectionsPerHostMax: Int
        let proxies: HTTPProxies
    }

    private let line: CurlLine
    private let settings: Settings
    private var transfers: [ObjectIdentifier: Live] = [:]
    /// Handles for the next requests: they are reset, and their connections stay in the multi handle.
    private var idle: [UnsafeMutableRawPointer] = unsafe []
    /// Not later than the earliest deadline of all transfers.
    private var nextDeadline: ContinuousClock.Instant?
    private static let idleMax = 64
    /// Only an upper limit: new work wakes the loop by itself.
    private static let pollMax = Duration.seconds(60)

    @safe
    private struct Live {
        let transfer: CurlTransfer
        let easy: UnsafeMutableRawPointer
    }

    init(_ line: CurlLine, _ settings: Settings) {
        self.line = line
        self.settings = settings
        let hostMax = settings.connectionsPerHostMax
        _ = unsafe ccurl_multi_set_long(line.multi, CURLMOPT_MAX_HOST_CONNECTIONS, hostMax)
        // Idle connections to all hosts together; enough for the three services of a runner.
        _ = unsafe ccurl_multi_set_long(line.multi, CURLMOPT_MAXCONNECTS, 4 * hostMax)
    }

    /// Runs until the queue is closed; then no caller waits for an answer any more.
    consuming func run() {
        var isOpen = true
        while isOpen {
            for command in line.take() {
                switch command {
                case .start(let ticket, let continuation): start(ticket, continuation)
                case .cancel(let ticket): cancel(ticket)
                case .close: isOpen = false
                }
            }
            var running: Int32 = 0
            _ = unsafe curl_multi_perform(line.multi, &running)
            finishCompleted()
            finishOverdue()
            if isOpen { _ = unsafe curl_multi_poll(line.multi, nil, 0, Int32(pause.milliseconds), nil) }
        }
        for live in transfers.values {
            end(live, .failure(PortFailure(.cancelled, "the HTTP client was closed")))
        }
        while let easy = unsafe idle.popLast() { unsafe curl_easy_cleanup(easy) }
        _ = unsafe curl_multi_cleanup(line.multi)
    }

    private var pause: Duration {
        guard let nextDeadline else { return Self.pollMax }
        return min(Self.pollMax, max(.zero, ContinuousClock.now.duration(to: nextDeadline)))
    }

    private mutating func start(_ ticket: CurlTicket, _ continuation: CurlLine.Continuation) {
        guard !ticket.isCancelled.load(ordering: .sequentiallyConsistent) else {
            line.finish(continuation, .failure(.withdrawn))
            return
        }
        guard let easy = unsafe idle.popLast() ?? curl_easy_init() else {
            line.finish(continuation, .failure(PortFailure(.unavailable, "libcurl: no memory")))
            return
        }
        let transfer = CurlTransfer(ticket, continuation)
        unsafe transfer.configure(easy, settings)
        let live = unsafe Live(transfer: transfer, easy: easy)
        transfers[ObjectIdentifier(ticket)] = live
        nextDeadline = min(nextDeadline ?? ticket.deadline, ticket.deadline)
        let code = unsafe curl_multi_add_handle(line.multi, easy)
        if code != CURLM_OK {
            end(live, .failure(PortFailure(.unavailable, "libcurl refused a request", code: "\(code.rawValue)")))
        }
    }

    private mutating func cancel(_ ticket: CurlTicket) {
        // Not found: already answered, or cancelled before it was started.
        guard let live = transfers[ObjectIdentifier(ticket)] else { return }
        end(live, .failure(.withdrawn))
    }

    private mutating func finishCompleted() {
        var left: Int32 = 0
        while let message = unsafe curl_multi_info_read(line.multi, &left) {
            guard unsafe message.pointee.msg == CURLMSG_DONE, let easy = unsafe message.pointee.easy_handle else {
                continue
            }
            // Read before anything changes the handle: removing it frees the message.
            let code = unsafe ccurl_message_result(message)
            var pointer: UnsafeMutableRawPointer?
            _ = unsafe ccurl_get_pointer(easy, CURLINFO_PRIVATE, &pointer)
            guard let transfer = unsafe CurlTransfer.of(pointer) else { continue }
            unsafe end(Live(transfer: transfer, easy: easy), result(code, transfer, CurlHandle(easy)))
        }
    }

    private func result(
        _ code: CURLcode,
        _ transfer: CurlTransfer,
        _ handle: CurlHandle
    ) -> Result<HTTPResponse, PortFailure> {
        let status = handle.long(CURLINFO_RESPONSE_CODE)
        guard code == CURLE_OK, transfer.isHeaderComplete else {
            let end = CurlEnd(
                code: Int((code == CURLE_OK ? CURLE_PARTIAL_FILE : code).rawValue),
                wasSent: handle.long(CURLINFO_REQUEST_SIZE) > 0,
                proxyStatus: handle.long(CURLINFO_HTTP_CONNECTCODE),
                isTooLong: transfer.isTooLong,
                reason: transfer.reason
            )
            return .failure(PortFailure(end, transfer.ticket))
        }
        return .success(HTTPResponse(status: status, headers: transfer.headers, body: transfer.body))
    }

    /// Waiting time counts too; libcurl's own total timeout leaves it out while it holds a transfer back.
    private mutating func finishOverdue() {
        let now = ContinuousClock.now
        guard let nextDeadline, nextDeadline <= now else { return }
        for live in Array(transfers.values) where live.transfer.ticket.deadline <= now {
            let wasSent = unsafe CurlHandle(live.easy).long(CURLINFO_REQUEST_SIZE) > 0
            let end = CurlEnd(code: Int(CURLE_OPERATION_TIMEDOUT.rawValue), wasSent: wasSent)
            self.end(live, .failure(PortFailure(end, live.transfer.ticket)))
        }
        self.nextDeadline = transfers.values.map { $0.transfer.ticket.deadline }.min()
    }

    private mutating func end(_ live: Live, _ result: Result<HTTPResponse, PortFailure>) {
        transfers[ObjectIdentifier(live.transfer.ticket)] = nil
        _ = unsafe curl_multi_remove_handle(line.multi, live.easy)
        if unsafe idle.count < Self.idleMax {
            unsafe curl_easy_reset(live.easy)
            unsafe idle.append(live.easy)
        } else {
            unsafe curl_easy_cleanup(live.easy)
        }
        line.finish(live.transfer.continuation, result)
    }
}

extension PortFailure {
    fileprivate static let withdrawn = PortFailure(.cancelled, "the request was withdrawn")
}
