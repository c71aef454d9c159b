import Migration
import Terminal
import TextProcessing

/// The result of a text.
protocol TextAnswer {
    /// One line for programs.
    func json() throws -> String
    /// For people.
    var text: String { get }
    /// An additional remark for people, on standard error, so that the text itself can be piped.
    var remark: String? { get }
}

/// The answer of `migrate text normalize`.
struct NormalizeAnswer: TextAnswer, Encodable {
    let output: String
    let checksum: String

    func json() throws -> String { try JSONText.of(self) }
    var text: String { output }
    var remark: String? { "checksum \(checksum)" }
}

/// The answer of `migrate text tokens`.
struct TokensAnswer: TextAnswer {
    let ids: [UInt32]

    func json() -> String { #"{"ids":[\#(list(ids))]}"# }
    var text: String { ids.map(String.init).joined(separator: " ") }
    var remark: String? { Format.plural(Int64(ids.count), "token") }
}

/// The answer of `migrate text chunks`.
struct ChunksAnswer: TextAnswer {
    private let parents: [ParentChunk]
    private let normalised: String

    init(_ parents: [ParentChunk], of normalised: String) {
        self.parents = parents
        self.normalised = normalised
    }

    func json() -> String {
        func span(_ utf8: Range<Int>, _ tokens: Int) -> String {
            #""start":\#(utf8.lowerBound),"end":\#(utf8.upperBound),"tokens":\#(tokens)"#
        }
        let items = parents.map { parent in
            let children = parent.children.map { "{\(span($0.utf8, $0.tokens))}" }.joined(separator: ",")
            return #"{\#(span(parent.utf8, parent.tokens)),"children":[\#(children)]}"#
        }
        return #"{"parents":[\#(items.joined(separator: ","))]}"#
    }

    var text: String {
        let rows = parents.enumerated().flatMap { index, parent in
            [["parent \(index)", "\(parent.utf8)", "\(parent.tokens)", brief(parent.text(in: normalised))]]
                + parent.children.enumerated().map { chunk, child in
                    ["  child \(chunk)", "\(child.utf8)", "\(child.tokens)", brief(child.text(in: normalised))]
                }
        }
        return Table(header: ["CHUNK", "BYTES", "TOKENS", "TEXT"], rows: rows).text
    }

    var remark: String? { nil }
}

/// The answer of `migrate text sparse`.
struct SparseAnswer: TextAnswer {
    private let source: String
    private let encoder: SparseEncoder

    init(of text: String, _ encoder: SparseEncoder) {
        source = text
        self.encoder = encoder
    }

    func json() -> String {
        let vector = encoder.document(source)
        return #"{"indices":[\#(list(vector.indices))],"values":[\#(list(vector.values))]}"#
    }

    var text: String {
        let vector = encoder.document(source)
        let rows = zip(vector.indices, vector.values).map { ["\($0)", "\($1)"] }
        return Table(header: ["INDEX", "WEIGHT"], rows: rows).text
    }

    var remark: String? { "terms: " + encoder.terms(source).joined(separator: " ") }
}

/// The answer of `migrate text points`.
struct PointsAnswer: TextAnswer {
    private let points: [Point]
    private let documents: [String]

    /// Cuts a record.
    ///
    /// - Throws: `CommandEnd` when a run would record it as a failure.
    init(_ record: SourceRecord, _ shaper: RecordShaper, source: String) throws {
        switch shaper.shape(record) {
        case .blank: points = []
        case .failed(let failure): throw CommandEnd(.incomplete, failure.message)
        case .points(let shape):
            points = shape.points(
                vectors: [[Float]](repeating: [], count: shape.children.count),
                collectionIDs: [],
                shaper: shaper,
                source: source
            )
        }
        documents = try points.map(Wiring.document)
    }

    func json() -> String { #"{"points":[\#(documents.joined(separator: ","))]}"# }

    var text: String {
        let rows = points.map { point in
            switch point.body {
            case .parent(let text): ["\(point.id)", "parent \(point.parentIndex)", brief(text)]
            case .child(_, let chunk, let text, _):
                ["\(point.id)", "  child \(point.parentIndex)_\(chunk)", brief(text)]
            }
        }
        return Table(header: ["ID", "POINT", "TEXT"], rows: rows).text
    }

    var remark: String? {
        points.first.map { "checksum \($0.checksum)\nprofile  \($0.profile)" }
            ?? "The text is blank: it would be skipped."
    }
}

/// Numbers in JSON; a Double as the shortest text that gives the same bits.
private func list(_ numbers: [some CustomStringConvertible]) -> String {
    numbers.map(\.description).joined(separator: ",")
}

/// The beginning of a text on one line.
private func brief(_ text: String) -> String {
    let line = text.prefix(200).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return line.count > 48 ? line.prefix(47) + "…" : line
}
