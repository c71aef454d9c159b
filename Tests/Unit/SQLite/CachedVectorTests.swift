import Testing

@testable import SQLite

@Suite struct `The checksum of cached vectors` {
    @Test func `is the CRC-32 of zip`() {
        #expect(CRC32.of(Array("123456789".utf8)) == 0xCBF4_3926)
        #expect(CRC32.of(Array("1234".utf8), Array("56789".utf8)) == 0xCBF4_3926)
        #expect(CRC32.of([]) == 0)
    }

    @Test func `has little-endian numbers before it`() {
        #expect(VectorFormat.float32.bytes(of: [1, -2]) == [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0])
        #expect(VectorFormat.float16.bytes(of: [1, -2]) == [0, 0x3C, 0, 0xC0])
        #expect(VectorFormat.float32.vector([0, 0, 0x80, 0x3F], dimensions: 1) == [1])
        #expect(VectorFormat.float32.vector([0, 0, 0x80], dimensions: 1) == nil)
        #expect(VectorFormat.float16.vector([0, 0x3C, 0, 0xC0], dimensions: 2) == [1, -2])
    }
}
