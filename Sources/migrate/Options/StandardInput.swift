import Glibc
import Terminal

/// The bytes that are piped into the program.
enum StandardInput {
    /// The next bytes, as soon as there are any; nil at the end.
    static func next() throws -> [UInt8]? {
        while true {
            var count = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 18) { buffer, initialized in
                count = unsafe read(STDIN_FILENO, buffer.baseAddress, buffer.count)
                initialized = max(count, 0)
            }
            if count > 0 { return bytes }
            if count == 0 { return nil }
            if errno != EINTR {
                throw CommandEnd(.usage, "standard input cannot be read (error \(errno))")
            }
        }
    }
}
