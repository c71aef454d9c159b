import FoundationEssentials
import Glibc

/// The content of a file, read until its end, not by its size: it may be a pipe.
enum FileBytes {
    /// Reads a file from its beginning.
    ///
    /// - Parameters:
    ///   - path: a `~` at its beginning is the home directory, as always in `URL(filePath:)`.
    ///   - bytesMax: where to stop reading.
    /// - Returns: all bytes, or the first `bytesMax`.
    /// - Throws: `POSIXError` when it cannot be opened or read.
    static func read(_ path: String, upTo bytesMax: Int = .max) throws -> [UInt8] {
        let path = URL(filePath: path).path(percentEncoded: false)
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < bytesMax {
            let wanted = min(buffer.count, bytesMax - bytes.count)
            let count = unsafe Glibc.read(descriptor, &buffer, wanted)
            if count == 0 { break }
            if count > 0 {
                bytes += buffer[..<count]
            } else if errno != EINTR {
                throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
            }
        }
        return bytes
    }
}
