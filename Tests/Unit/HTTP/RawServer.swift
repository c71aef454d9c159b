import Foundation
import Synchronization

/// A server on loopback that hands each connection to a script on a thread of its own, so that a test can break HTTP's
/// rules at any byte.
final class RawServer: Sendable {
    /// Connections accepted so far.
    let accepted = Atomic(0)
    /// Requests read so far.
    let requests = Mutex<[RawRequest]>([])
    let port: Int
    private let listener: Int32

    var url: String { "http://127.0.0.1:\(port)/" }

    /// Listens on a free port; a backlog of 0 with `accepts: false` makes a port that soon lets further
    /// connections wait for ever; without a backlog it refuses them.
    init(backlog: Int32? = 64, accepts: Bool = true, _ script: @escaping @Sendable (RawConnection) -> Void) throws {
        // Closed in children: a program that another test runs would keep the connection open.
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(listener, address, size) == 0 && backlog.map { listen(listener, $0) == 0 } ?? true
                    && getsockname(listener, address, &size) == 0
            }
        }
        self.listener = listener
        guard status else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        port = Int(UInt16(bigEndian: address.sin_port))
        guard accepts else { return }
        // The thread keeps the server until the process ends: if a listener were closed under a thread that accepts, it
        // would accept from the next owner of the file descriptor.
        Thread.detachNewThread { [self] in
            while true {
                let socket = accept(listener, nil, nil)
                _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
                guard socket >= 0 else { return }
                accepted.add(1, ordering: .relaxed)
                let connection = RawConnection(socket: socket) { request in
                    self.requests.withLock { $0.append(request) }
                }
                Thread.detachNewThread { script(connection) }
            }
        }
    }

    deinit { close(listener) }
}

/// A request as it came over the wire.
struct RawRequest: Sendable {
    let head: String
    var body: [UInt8] = []

    var line: String { String(head.prefix { $0 != "\r\n" }) }

    func header(_ name: String) -> String? {
        for line in head.components(separatedBy: "\r\n").dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            if line[..<colon].lowercased() == name.lowercased() {
                return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            }
        }
        return nil
    }
}

/// The server's end of one connection, blocking; reads give up after two minutes: a busy machine may
/// resume the client late.
struct RawConnection: Sendable {
    let socket: Int32
    let record: @Sendable (RawRequest) -> Void

    init(socket: Int32, record: @escaping @Sendable (RawRequest) -> Void) {
        self.socket = socket
        self.record = record
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        _ = unsafe setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// The next request, or nil when the client has closed; without `body`, the body stays unread.
    func read(body: Bool = true) -> RawRequest? {
        var bytes: [UInt8] = []
        while !bytes.ends(with: "\r\n\r\n".utf8) {
            guard let byte = receive(1).first else { return nil }
            bytes.append(byte)
        }
        var request = RawRequest(head: String(decoding: bytes, as: UTF8.self))
        let length = request.header("Content-Length").flatMap { Int($0) } ?? 0
        while body && request.body.count < length {
            let part = receive(min(1 << 16, length - request.body.count))
            guard !part.isEmpty else { return nil }
            request.body += part
        }
        record(request)
        return request
    }

    func write(_ text: String) { write(Array(text.utf8)) }

    func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes {
                unsafe send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return }
            rest = rest.dropFirst(sent)
        }
    }

    /// A whole answer with its length.
    func answer(_ status: String, _ body: [UInt8] = [], headers: String = "") {
        write(Array("HTTP/1.1 \(status)\r\nContent-Length: \(body.count)\r\n\(headers)\r\n".utf8) + body)
    }

    /// Reads and forgets until the client closes.
    func drain() { while !receive(1 << 16).isEmpty {} }

    func end() { close(socket) }

    /// Ends with a TCP reset instead of an orderly close.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        close(socket)
    }

    private func receive(_ count: Int) -> ArraySlice<UInt8> {
        var bytes = [UInt8](repeating: 0, count: count)
        let read = unsafe bytes.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress, $0.count, 0) }
        return bytes[..<max(0, read)]
    }
}

extension [UInt8] {
    fileprivate func ends(with suffix: some BidirectionalCollection<UInt8>) -> Bool {
        reversed().starts(with: suffix.reversed())
    }
}

/// Opens connections that are never accepted until the port takes no more.
final class FullPort: Sendable {
    let server: RawServer
    private let sockets: [Int32]

    init() throws {
        server = try RawServer(backlog: 0, accepts: false) { _ in }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(server.port).bigEndian
        sockets = (0..<4).map { _ in
            let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    _ = unsafe connect(socket, address, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            return socket
        }
    }

    deinit { for socket in sockets { close(socket) } }
}
