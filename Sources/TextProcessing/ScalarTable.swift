/// A number for every Unicode scalar, in two stages: blocks of 256 scalars, equal blocks stored once.
///
/// It uses pointers instead of arrays because every byte of text passes through here, in debug builds too.
@safe
struct ScalarTable: @unchecked Sendable {  // Sendable: written only in `init`, never freed, never changed.
    private let blocks: UnsafeMutablePointer<UInt16>
    private let values: UnsafeMutablePointer<UInt16>

    /// Makes the table; a scalar in none of the runs has the number 0.
    ///
    /// It is made once for the life of the process, hence never freed. Later runs overwrite earlier ones.
    init(runs: [(scalars: Range<UInt32>, value: UInt16)]) {
        let blockCount = 0x110000 / 256
        var storage = [UInt16](repeating: 0, count: 256)
        var index = [UInt16](repeating: 0, count: blockCount)
        var shared: [UInt16: UInt16] = [0: 0]  // value → the block that holds nothing else
        var owned = [Bool](repeating: false, count: blockCount)
        func append(_ block: some Sequence<UInt16>) -> UInt16 {
            storage.append(contentsOf: block)
            return UInt16(storage.count / 256 - 1)
        }
        for run in runs {
            var start = run.scalars.lowerBound
            while start < run.scalars.upperBound {
                let block = Int(start >> 8)
                let end = min(run.scalars.upperBound, UInt32(block + 1) << 8)
                if end - start == 256 {
                    index[block] = shared[run.value] ?? append(repeatElement(run.value, count: 256))
                    shared[run.value] = index[block]
                    owned[block] = false
                } else {
                    if !owned[block] {
                        let old = Int(index[block]) * 256
                        index[block] = append(Array(storage[old..<old + 256]))
                        owned[block] = true
                    }
                    let base = Int(index[block]) * 256
                    for scalar in start..<end { storage[base + Int(scalar & 0xFF)] = run.value }
                }
                start = end
            }
        }
        unsafe blocks = .allocate(capacity: index.count)
        unsafe blocks.initialize(from: index, count: index.count)
        unsafe values = .allocate(capacity: storage.count)
        unsafe values.initialize(from: storage, count: storage.count)
    }

    /// The number of a scalar below U+110000.
    @inline(__always)
    subscript(scalar: UInt32) -> UInt16 {
        unsafe values[Int(blocks[Int(scalar >> 8)]) &* 256 &+ Int(scalar & 0xFF)]
    }
}

/// The properties of one scalar that the rules of this room need.
struct ScalarClass {
    /// The table behind it, about 70 kB, made at first use.
    static let table = ScalarTable(runs: runs())

    /// Bits 0–2: one of the five classes below; the other bits: the properties.
    let bits: UInt16

    @inline(__always)
    init(bits: UInt16) {
        self.bits = bits
    }

    @inline(__always)
    init(_ scalar: UInt32) {
        bits = Self.table[scalar]
    }

    // The five classes of the cl100k pattern (Unicode 16).
    static let other: UInt16 = 0
    static let letter: UInt16 = 1
    static let number: UInt16 = 2
    static let space: UInt16 = 3
    static let lineEnd: UInt16 = 4

    /// Its class in the cl100k pattern.
    var token: UInt16 { bits & 7 }
    /// A letter, a number or the underscore: Python's `\w` (Unicode 14).
    var isWord: Bool { bits & 8 != 0 }
    /// Python's `str.isspace` (Unicode 14).
    var isSpace: Bool { bits & 16 != 0 }
    /// General category P*.
    var isPunctuation: Bool { bits & 32 != 0 }
    /// General category Nd: Python's `\d`.
    var isDigit: Bool { bits & 64 != 0 }

    private static func runs() -> [(scalars: Range<UInt32>, value: UInt16)] {
        var reader = TableReader(scalarClassRuns)
        var runs: [(scalars: Range<UInt32>, value: UInt16)] = []
        var end: UInt32 = 0
        while reader.findsMore() {
            let start = end + reader.number()
            reader.skip()
            end = start + reader.number()
            reader.skip()
            runs.append((start..<end, UInt16(reader.number())))
        }
        return runs
    }
}

/// Reads the generated tables: hexadecimal numbers and names between single separators.
@safe
struct TableReader {
    private var next: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>

    init(_ table: StaticString) {
        unsafe next = table.utf8Start
        unsafe end = table.utf8Start + table.utf8CodeUnitCount
    }

    /// Skips spaces and line ends; false at the end of the table.
    mutating func findsMore() -> Bool {
        while unsafe next < end, unsafe next.pointee <= 0x20 { unsafe next += 1 }
        return unsafe next < end
    }

    /// The byte that comes next, 0 at the end.
    var byte: UInt8 { unsafe next < end ? next.pointee : 0 }

    mutating func skip() {
        unsafe next += 1
    }

    /// A hexadecimal number in lower case.
    mutating func number() -> UInt32 {
        var value: UInt32 = 0
        while true {
            switch byte {
            case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
            case 0x61...0x66: value = value << 4 | UInt32(byte - 0x57)
            default: return value
            }
            skip()
        }
    }

    /// Numbers joined by `+`.
    mutating func numbers() -> [UInt32] {
        var values = [number()]
        while byte == 0x2B {
            skip()
            values.append(number())
        }
        return values
    }

    /// ASCII letters and digits.
    mutating func name() -> [UInt8] {
        var name: [UInt8] = []
        while byte.isASCIIAlphanumeric {
            name.append(byte)
            skip()
        }
        return name
    }
}
