/// Little-endian float32 numbers in base64, as `encoding_format: base64` gives them.
enum Base64 {
    /// Nil for anything that is not base64 of whole numbers; the padding may be missing.
    static func floats(_ text: ArraySlice<UInt8>) -> [Float]? {
        var text = text
        while text.last == UInt8(ascii: "=") { text.removeLast() }
        let bytes = text.count * 3 / 4
        guard bytes % 4 == 0, text.count % 4 != 1 else { return nil }
        var floats: [Float] = []
        floats.reserveCapacity(bytes / 4)
        // The accumulator holds at most 31 old bits and 6 new ones.
        var accumulator: UInt64 = 0
        var bits = 0
        let values = values
        for byte in text {
            let value = values[Int(byte)]
            guard value < 64 else { return nil }
            accumulator = accumulator << 6 | UInt64(value)
            bits += 6
            if bits >= 32 {
                bits -= 32
                let word = UInt32(truncatingIfNeeded: accumulator >> bits)
                floats.append(Float(bitPattern: word.byteSwapped))
            }
        }
        return floats
    }

    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for (index, byte) in alphabet.utf8.enumerated() { values[Int(byte)] = UInt8(index) }
        return values
    }()
}
