import Basics
import CCurl
import Migration

/// One request in the loop; used on the loop's thread only.
@safe
final class CurlTransfer {
    let ticket: CurlTicket
    let continuation: CurlLine.Continuation
    private(set) var headers: HTTPHeaders = [:]
    private(set) var body: [UInt8] = []
    /// Whether the answer was longer than the request allows.
    private(set) var isTooLong = false
    /// Whether the empty line after the headers has arrived; libcurl takes a connection that was closed earlier for an
    /// answer.
    private(set) var isHeaderComplete = false
    /// libcurl's message about the failure.
    var reason: String { unsafe String(cString: errorBuffer) }

    private let errorBuffer: UnsafeMutablePointer<CChar>
    /// libcurl does not copy the body that it sends: these bytes live as long as the transfer.
    private let upload: UnsafeMutableBufferPointer<UInt8>
    private var lines: UnsafeMutablePointer<curl_slist>?
    private var headerBytes = 0
    /// More than any server of the program sends.
    private static let headerBytesMax = 256 << 10

    init(_ ticket: CurlTicket, _ continuation: CurlLine.Continuation) {
        self.ticket = ticket
        self.continuation = continuation
        unsafe errorBuffer = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorBuffer.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        unsafe upload = .allocate(capacity: max(1, ticket.request.body.count))
        _ = unsafe upload.initialize(from: ticket.request.body)
    }

    deinit {
        unsafe errorBuffer.deallocate()
        unsafe upload.deallocate()
        unsafe curl_slist_free_all(lines)
    }

    /// Sets everything that belongs to this request, on a fresh or reset handle.
    func configure(_ easy: UnsafeMutableRawPointer, _ settings: CurlLoop.Settings) {
        let request = ticket.request
        let handle = unsafe CurlHandle(easy)
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe handle.set(CURLOPT_PRIVATE, this)
        unsafe handle.set(CURLOPT_ERRORBUFFER, UnsafeMutableRawPointer(errorBuffer))
        handle.set(CURLOPT_URL, request.url)
        handle.set(CURLOPT_NOSIGNAL, 1)
        // A cancelled name lookup continues on its own thread; waiting for it would delay every other request.
        handle.set(CURLOPT_QUICK_EXIT, 1)
        handle.set(CURLOPT_CONNECTTIMEOUT_MS, max(1, request.connectTimeout.milliseconds))
        handle.set(CURLOPT_TCP_KEEPALIVE, 1)
        handle.set(CURLOPT_BUFFERSIZE, 128 << 10)
        handle.set(CURLOPT_UPLOAD_BUFFERSIZE, 256 << 10)
        handle.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        handle.set(CURLOPT_ACCEPT_ENCODING, "")
        handle.set(CURLOPT_USERAGENT, "migrate")
        secure(handle, settings)
        setBody(handle)
        setHeaders(handle)
        unsafe setCallbacks(handle, this: unsafe this)
    }

    /// Options that protect secrets.
    private func secure(_ handle: CurlHandle, _ settings: CurlLoop.Settings) {
        handle.set(CURLOPT_PROTOCOLS_STR, "http,https")
        handle.set(CURLOPT_FOLLOWLOCATION, 0)
        handle.set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        handle.set(CURLOPT_SSL_VERIFYPEER, 1)
        handle.set(CURLOPT_SSL_VERIFYHOST, 2)
        handle.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let authorities = settings.authorities { handle.set(CURLOPT_CAINFO, authorities) }
        // Set even if empty, because otherwise libcurl would read the environment itself.
        handle.set(CURLOPT_PROXY, settings.proxies.proxy(for: ticket.address) ?? "")
        handle.set(CURLOPT_NOPROXY, settings.proxies.exceptions)
    }

    private func setBody(_ handle: CurlHandle) {
        let request = ticket.request
        if request.method == .get {
            handle.set(CURLOPT_HTTPGET, 1)
            return
        }
        handle.set(CURLOPT_POST, 1)
        handle.setOffset(CURLOPT_POSTFIELDSIZE_LARGE, request.body.count)
        unsafe handle.set(CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(upload.baseAddress))
        if request.method != .post { handle.set(CURLOPT_CUSTOMREQUEST, request.method.rawValue) }
    }

    private func setHeaders(_ handle: CurlHandle) {
        let request = ticket.request
        for field in request.headers.fields {
            append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        // Without this, libcurl waits a second for `100 Continue` before a body above 1 MB.
        append("Expect:")
        // libcurl's default is the type of a web form.
        if request.headers["Content-Type"] == nil { append("Content-Type:") }
        unsafe handle.set(CURLOPT_HTTPHEADER, lines)
    }

    private func append(_ line: String) {
        if let longer = unsafe curl_slist_append(lines, line) { unsafe lines = longer }
    }

    private func setCallbacks(_ handle: CurlHandle, this: UnsafeMutableRawPointer) {
        unsafe handle.set(CURLOPT_WRITEDATA, this)
        unsafe handle.setWrite { bytes, size, count, this in
            unsafe CurlTransfer.of(this)?.receive(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
        }
        unsafe handle.set(CURLOPT_HEADERDATA, this)
        unsafe handle.setHeader { bytes, size, count, this in
            unsafe CurlTransfer.of(this)?.receiveHeader(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
        }
    }

    static func of(_ pointer: UnsafeMutableRawPointer?) -> CurlTransfer? {
        unsafe pointer.map { unsafe Unmanaged<CurlTransfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Returns how many bytes were accepted; any number other than all of them ends the transfer.
    private func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard body.count + bytes.count <= ticket.request.responseBytesMax else {
            isTooLong = true
            return 0
        }
        unsafe body.append(contentsOf: bytes)
        return bytes.count
    }

    private func receiveHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
        headerBytes += bytes.count
        guard headerBytes <= Self.headerBytesMax else {
            isTooLong = true
            return 0
        }
        let line = unsafe String(decoding: bytes, as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            // A new block: the one before was a `100 Continue`, or a proxy's answer to CONNECT.
            headers = [:]
            isHeaderComplete = false
        } else if line.allSatisfy(\.isNewline) {
            isHeaderComplete = true
        } else if let colon = line.firstIndex(of: ":") {
            let value = line[line.index(after: colon)...].trimmed
            headers.append(String(line[..<colon]), value)
            if headers.fields.last?.name.lowercased() == "content-length", let length = Int(value), length > 0 {
                body.reserveCapacity(min(length, ticket.request.responseBytesMax, 16 << 20))
            }
        }
        return bytes.count
    }
}

/// The options of an easy handle by kind of value; it does not own the handle.
@safe
struct CurlHandle {
    private let easy: UnsafeMutableRawPointer

    init(_ easy: UnsafeMutableRawPointer) { unsafe self.easy = easy }

    // libcurl refuses an option that it does not know, which changes nothing; all options that protect are older than
    // the version that the package requires.
    func set(_ option: CURLoption, _ value: Int) { _ = unsafe ccurl_set_long(easy, option, value) }
    func set(_ option: CURLoption, _ value: String) { _ = unsafe ccurl_set_string(easy, option, value) }
    func setOffset(_ option: CURLoption, _ value: Int) { _ = unsafe ccurl_set_offset(easy, option, value) }

    func set(_ option: CURLoption, _ value: UnsafeMutableRawPointer?) {
        _ = unsafe ccurl_set_pointer(easy, option, value)
    }

    func set(_ option: CURLoption, _ value: UnsafeMutablePointer<curl_slist>?) {
        _ = unsafe ccurl_set_list(easy, option, value)
    }

    func setWrite(_ callback: ccurl_data_callback) { _ = unsafe ccurl_set_write(easy, callback) }
    func setHeader(_ callback: ccurl_data_callback) { _ = unsafe ccurl_set_header(easy, callback) }

    func long(_ info: CURLINFO) -> Int {
        var value = 0
        return unsafe ccurl_get_long(easy, info, &value) == CURLE_OK ? value : 0
    }
}

extension Duration {
    /// Whole milliseconds, rounded up.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1_000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
