import FlyingSocks

/// A body that is not sent whole at once.
struct TroubledBody: AsyncBufferedSequence {
    typealias Element = UInt8

    struct AsyncIterator: AsyncBufferedIteratorProtocol {
        private static let parts = 20

        let bytes: [UInt8]
        let delivery: ServedAnswer.Delivery
        private var sent = 0

        init(_ body: TroubledBody) {
            bytes = body.bytes
            delivery = body.delivery
        }

        mutating func next() async throws -> UInt8? { try await nextBuffer(suggested: 1)?.first }

        mutating func nextBuffer(suggested count: Int) async throws -> [UInt8]? {
            switch delivery {
            case .closed: throw SocketError.disconnected
            case .cut:
                guard sent == 0, bytes.count > 1 else { throw SocketError.disconnected }
                return take(bytes.count / 2)
            case .slow(let duration):
                try await Task.sleep(for: duration / Self.parts)
                return take(Swift.max(1, (bytes.count + Self.parts - 1) / Self.parts))
            case .whole: return take(bytes.count)
            }
        }

        private mutating func take(_ count: Int) -> [UInt8]? {
            guard sent < bytes.count else { return nil }
            let part = Array(bytes[sent..<Swift.min(sent + count, bytes.count)])
            sent += part.count
            return part
        }
    }

    let bytes: [UInt8]
    let delivery: ServedAnswer.Delivery

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
}
