import CMariaDB
import Migration

/// One row as it arrived; its memory belongs to the library and is invalid after the next row, so it is never stored.
@safe
struct MySQLRow: ~Copyable {
    /// A value that should be text.
    enum Text: Equatable {
        case null
        case text(String)
        /// Bytes that are not UTF-8.
        case undecodable
    }

    private let values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let lengths: UnsafeMutablePointer<UInt>
    private let count: Int

    @unsafe
    init(
        values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
        lengths: UnsafeMutablePointer<UInt>,
        count: Int
    ) {
        unsafe self.values = unsafe values
        unsafe self.lengths = unsafe lengths
        self.count = count
    }

    /// The whole text of a column: a NUL does not end it, and invalid UTF-8 is never silently repaired.
    func text(_ column: Int) -> Text {
        guard let bytes = unsafe bytes(column) else { return .null }
        return unsafe String(validating: bytes, as: UTF8.self).map(Text.text) ?? .undecodable
    }

    /// The text of a column; nil for NULL and for invalid UTF-8.
    func string(_ column: Int) -> String? {
        if case .text(let string) = text(column) { string } else { nil }
    }

    /// A whole number; nil for NULL.
    ///
    /// - Throws: `rejected` for a value that is no 64-bit signed integer.
    func integer(_ column: Int) throws(PortFailure) -> Int64? {
        guard let bytes = unsafe bytes(column) else { return nil }
        let isNegative = unsafe bytes.first == UInt8(ascii: "-")
        var value: Int64 = 0
        // Summed as a negative number, because the range below zero has one more number.
        for index in (isNegative ? 1 : 0)..<bytes.count {
            let digit = unsafe bytes[index] &- UInt8(ascii: "0")
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, underflow) = product.subtractingReportingOverflow(Int64(digit))
            guard digit < 10, !overflow, !underflow else { throw Self.outOfRange }
            value = sum
        }
        if isNegative { return value }
        guard value != .min else { throw Self.outOfRange }
        return -value
    }

    private func bytes(_ column: Int) -> UnsafeBufferPointer<UInt8>? {
        precondition(column < count)
        guard let start = unsafe values[column] else { return nil }
        let raw = unsafe UnsafeRawBufferPointer(start: start, count: Int(lengths[column]))
        return unsafe raw.bindMemory(to: UInt8.self)
    }

    private static var outOfRange: PortFailure {
        PortFailure(
            .rejected,
            "an id is above 9223372036854775807, the largest this program and Postgres can hold; "
                + "such rows cannot be migrated (limit the job to the others with --where)"
        )
    }
}
