import FoundationEssentials
import Migration
import Terminal

/// One text, with its record id and tenant if they matter.
struct InputText: Decodable {
    let text: String
    var summaryId: RecordID?
    var memberCode: String?
}

/// Reads texts and answers them, in order and with bounded memory.
struct TextSession {
    enum Form {
        /// The whole input is one text, and the answer is text for people.
        case people
        /// The whole input is one text, and the answer is JSON.
        case json
        /// Each line of the input is a JSON object with a text, and each answer is one line.
        case jsonLines
    }

    /// The longest text or line, in bytes: far more than a record may have.
    static let bytesMax = 256 << 20

    let form: Form
    /// Settings that are not given by flags.
    let environment: [String: String]
    let console: Console
    /// Returns the next bytes of the input, nil at its end.
    let read: () throws -> [UInt8]?

    /// Answers all texts.
    ///
    /// - Throws: `CommandEnd` for a line that is no such object, and for a line that is too long.
    func run(_ make: (InputText) throws -> some TextAnswer) throws {
        var replaced = 0
        if form == .jsonLines {
            try answerLines(make, &replaced)
        } else {
            let answer = try make(InputText(text: decode(try readAll(), &replaced)))
            console.out(form == .json ? try answer.json() : answer.text)
            if form == .people, let remark = answer.remark { console.error(remark) }
        }
        if replaced > 0 {
            let places = Format.plural(Int64(replaced), "place")
            console.error("migrate: the input is not valid UTF-8: \(places) replaced by U+FFFD")
        }
    }

    private func readAll() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let more = try read() {
            bytes += more
            guard bytes.count <= Self.bytesMax else { throw Self.tooLong("the text") }
        }
        return bytes
    }

    private func answerLines(_ make: (InputText) throws -> some TextAnswer, _ replaced: inout Int) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        var number = 0
        var rest: [UInt8] = []
        var answers = ""
        func answer(_ line: some Collection<UInt8>) throws {
            number += 1
            guard line.contains(where: { $0 > 0x20 }) else { return }
            do {
                let json = decode(line, &replaced)
                answers += try make(decoder.decode(InputText.self, from: Data(json.utf8))).json() + "\n"
            } catch {
                // The answers to the earlier lines are valid.
                if !answers.isEmpty { console.raw(answers) }
                throw CommandEnd(.usage, "line \(number): \(Self.sentence(error))")
            }
        }
        while let more = try read() {
            var start = more.startIndex
            while let end = more[start...].firstIndex(of: UInt8(ascii: "\n")) {
                if rest.isEmpty {
                    try answer(more[start..<end])
                } else {
                    try answer(rest + more[start..<end])
                    rest = []
                }
                start = end + 1
            }
            rest += more[start...]
            guard rest.count <= Self.bytesMax else { throw Self.tooLong("line \(number + 1)") }
            // Written at once: the caller may wait for these answers before it writes the next line.
            if !answers.isEmpty { console.raw(answers) }
            answers = ""
        }
        try answer(rest)
        if !answers.isEmpty { console.raw(answers) }
    }

    /// Decodes the bytes; invalid UTF-8 is replaced and counted.
    private func decode(_ bytes: some Collection<UInt8>, _ replaced: inout Int) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        if text.utf8.count == bytes.count, text.utf8.elementsEqual(bytes) { return text }
        let mark: Unicode.Scalar = "\u{FFFD}"
        let inText = text.unicodeScalars.count { $0 == mark }
        let all = Array(bytes)
        let inBytes = all.indices.dropLast(2).count { all[$0] == 0xEF && all[$0 + 1] == 0xBF && all[$0 + 2] == 0xBD }
        replaced += inText - inBytes
        return text
    }

    private static func tooLong(_ what: String) -> CommandEnd {
        CommandEnd(.usage, "\(what) has more than \(bytesMax >> 20) MB")
    }

    /// The error in words, without the text of the line.
    private static func sentence(_ error: any Error) -> String {
        switch error {
        case let end as CommandEnd: end.message
        case is DecodingError:
            "it is not a JSON object with `text`, a string (and for points `summary_id`, an integer, and `member_code`)"
        default: "\(error)"
        }
    }
}
