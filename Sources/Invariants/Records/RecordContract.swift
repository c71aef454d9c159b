import Crypto
package import Migration
package import TextProcessing

/// A point in the collection, with the fields that the contract is about; nil if it lacks one.
package struct PointContent: Sendable {
    package var id: PointID
    package var type: String?
    package var parentIndex: Int64?
    package var chunkIndex: Int64?
    package var parentID: String?
    package var parentText: String?
    package var text: String?
    package var memberCode: String?
    package var checksum: String?

    package init(id: PointID) { self.id = id }
}

/// What a simple text must become (`docs/text.md`), implemented a second time.
///
/// The other checkers use the engine's own text processing, and share its mistakes. This one shares only SHA-256, SHA-1
/// and the values of ids with it; it covers only what simulated texts contain.
package struct RecordContract {
    /// `POINT_ID_NAMESPACE` in the simulation.
    private static let namespace = uuid("6ba7b8119dad11d180b400c04fd430c8", "migrate")

    private let id: RecordID
    private let memberCode: String
    private let text: String
    private let checksum: String

    package init(id: RecordID, memberCode: String, content: String) {
        self.id = id
        self.memberCode = memberCode
        text = Self.normalised(content)
        // Of the text, normalised once more.
        checksum = Self.checksum(of: Self.normalised(text))
    }

    /// What is wrong with the points of a record; nil when nothing is.
    package func finding(_ points: [PointContent]) -> String? {
        var parents: [Int64: String] = [:]
        var children: [Int64: [Int64: String]] = [:]
        for point in points {
            let id = point.id
            guard let parent = point.parentIndex else { return "point \(id) has no parent_idx" }
            let parentID = Self.uuid(Self.namespace, "parent:\(memberCode):\(self.id):\(parent)")
            var wanted = parentID
            switch point.type {
            case "parent": parents[parent] = point.parentText
            case "child":
                guard let chunk = point.chunkIndex else { return "child \(id) has no chunk_index" }
                wanted = Self.uuid(Self.namespace, "child:\(memberCode):\(self.id):\(parent)_\(chunk)")
                if point.parentID?.filter({ $0 != "-" }) != parentID { return "child \(id) has another parent" }
                children[parent, default: [:]][chunk] = point.text
            default: return "point \(id) is neither a parent nor a child"
            }
            if id.description.filter({ $0 != "-" }) != wanted { return "point \(id) should have the id \(wanted)" }
            if point.memberCode != memberCode { return "point \(id) is of another tenant" }
            if point.checksum != checksum { return "point \(id) does not have the checksum \(checksum)" }
        }
        guard let whole = Self.inOrder(parents), whole.joined() == text else {
            return "its parents together are not its text"
        }
        for (place, parent) in whole.enumerated() {
            let parts = Self.inOrder(children[Int64(place)] ?? [:]) ?? []
            guard Self.covers(Array(parent.utf8), parts.map { Array($0.utf8) }) else {
                return "the children of parent \(place) are not the whole of it"
            }
        }
        return nil
    }

    /// The texts in the order of their numbers, which must be 0, 1, 2 … without a gap.
    private static func inOrder(_ texts: [Int64: String]) -> [String]? {
        let ordered = (0..<texts.count).compactMap { texts[Int64($0)] }
        return ordered.count == texts.count ? ordered : nil
    }

    /// Whether each part begins within the one before it or right after it, and the last one ends where the text ends.
    private static func covers(_ text: [UInt8], _ parts: [[UInt8]]) -> Bool {
        var end = 0
        for part in parts {
            let starts = max(0, end - part.count + 1)...end
            guard let start = starts.first(where: { text[$0...].starts(with: part) }) else { return false }
            end = start + part.count
        }
        return end == text.count && !parts.isEmpty
    }

    // MARK: - Texts

    /// Applies the rules to the characters that simulated texts contain, in the order of the rules.
    package static func normalised(_ raw: String) -> String {
        if isPlain(raw) { return raw }
        var text = raw
        for (sign, becomes) in [
            ("\u{3000}", " "), ("\u{A0}", " "), ("\u{FB01}", "fi"),
            // Each entity is decoded once: what `&amp;` leaves is not decoded again.
            ("&nbsp;", "\u{A0}"), ("&amp;", "&"),
            ("\r\n", "\n"), ("\t", " "), ("\u{200B}", ""),
        ] { text = text.replacing(sign, with: becomes) }
        text = shortened(text, " ", to: 1)
        text = text.split(separator: "\n", omittingEmptySubsequences: false).map(withoutEnd).joined(separator: "\n")
        // Only between words: that is where every hyphen of these texts stands.
        text = shortened(unwrapped(text.replacing("-\n", with: "")), "\n", to: 2)
        return withoutEnd(String(text.drop(while: \.isWhitespace)))
    }

    /// Whether it contains only letters, digits, hyphens and single spaces between them.
    private static func isPlain(_ text: String) -> Bool {
        var before = UInt8(ascii: " ")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: " "): if before == byte { return false }
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"): break
            default: return false
            }
            before = byte
        }
        return before != UInt8(ascii: " ")
    }

    /// Replaces a line end between two lower-case letters by a space.
    private static func unwrapped(_ text: String) -> String {
        var bytes = Array(text.utf8)
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        for place in bytes.indices.dropFirst().dropLast()
        where bytes[place] == UInt8(ascii: "\n") && letters ~= bytes[place - 1] && letters ~= bytes[place + 1] {
            bytes[place] = UInt8(ascii: " ")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func withoutEnd(_ line: some StringProtocol) -> String {
        var line = String(line)
        while line.last?.isWhitespace == true { line.removeLast() }
        return line
    }

    /// Shortens longer runs of a character to this many.
    private static func shortened(_ text: String, _ sign: Character, to most: Int) -> String {
        var (output, run) = ("", 0)
        for character in text {
            run = character == sign ? run + 1 : 0
            if run <= most { output.append(character) }
        }
        return output
    }

    // MARK: - Hashes

    package static func checksum(of text: String) -> String { hexadecimal(SHA256.hash(data: Array(text.utf8))) }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    /// RFC 9562, version 5, without hyphens.
    private static func uuid(_ namespace: String, _ name: String) -> String {
        var bytes: [UInt8] = []
        var rest = Substring(namespace)
        while !rest.isEmpty {
            bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        var digest = Array(Insecure.SHA1.hash(data: bytes + Array(name.utf8)).prefix(16))
        digest[6] = digest[6] & 0x0F | 0x50
        digest[8] = digest[8] & 0x3F | 0x80
        return hexadecimal(digest)
    }
}
