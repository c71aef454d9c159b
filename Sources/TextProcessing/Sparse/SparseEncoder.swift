/// Makes BM25 term weights exactly as fastembed's `Qdrant/bm25`, so that vectors made on the query side match.
///
/// The collection's `idf` modifier adds the other half of BM25. Pure and linear in the length of the text.
public struct SparseEncoder: Sendable {
    /// The name of these rules in the profile; it changes when any weight may change.
    public static let version = "bm25-1"

    /// The names of the supported languages.
    public static let languages = SparseLanguage.all.map(\.name)

    /// The languages whose stop words are not part of this package: `SparseParameters.stopWords` has to name them.
    public static let languagesWithoutStopWords = SparseLanguage.all.filter { $0.stopWords == nil }.map(\.name)

    /// The stop words of a language; nil if they are not part of this package, or the language is unknown.
    public static func stopWords(of language: String) -> [String]? {
        let own = SparseLanguage.all.first { $0.name == language }?.stopWords
        return own.map { $0.split { $0 == " " || $0 == "\n" }.map(String.init) }
    }

    /// How the vectors are made.
    public let parameters: SparseParameters
    private let readers: TermReaders

    /// Makes an encoder.
    ///
    /// - Throws: when the language is not supported (with the names of the supported ones), when its stop words have to
    ///   be named and are not, and when a number is out of range.
    public init(_ parameters: SparseParameters = SparseParameters()) throws(TextError) {
        guard let language = SparseLanguage.all.first(where: { $0.name == parameters.language }) else {
            throw TextError(
                "the sparse language \"\(parameters.language)\" is not supported; "
                    + "supported: \(Self.languages.joined(separator: ", "))"
            )
        }
        guard parameters.averageLength > 0, parameters.averageLength.isFinite else {
            throw TextError("the average length \(parameters.averageLength) of sparse vectors is not above 0")
        }
        guard parameters.termSaturation >= 0, (0...1).contains(parameters.lengthNormalisation) else {
            throw TextError("BM25 needs a k of at least 0 and a b from 0 to 1")
        }
        self.parameters = parameters
        guard let stopWords = Self.stopWords(parameters) else {
            throw TextError(
                "the stop words of \(language.name) do not come with this package: name those of the query side, "
                    + "or none"
            )
        }
        readers = TermReaders(
            TermRules(
                stemmer: parameters.isStemming ? language.stemmer : nil,
                stopWords: stopWords,
                pairsCJK: parameters.cjk == .bigram
            )
        )
    }

    /// The vector of a chunk's text; empty when no term is left.
    public func document(_ text: String) -> SparseVector {
        readers.read(text) { reader in
            let counts = reader.counts()
            let (k, b) = (parameters.termSaturation, parameters.lengthNormalisation)
            let norm = k * (1 - b + b * Double(reader.terms.count) / parameters.averageLength)
            return Self.vector(counts.map(\.id)) { place in
                let count = Double(counts[place].count)
                return count * (k + 1) / (count + norm)
            }
        }
    }

    /// The vector of a query: each of its terms once, with the weight 1.
    public func query(_ text: String) -> SparseVector {
        readers.read(text) { reader in Self.vector(reader.counts().map(\.id)) { _ in 1 } }
    }

    /// The terms of a text in order, stemmed, with repetitions.
    public func terms(_ text: String) -> [String] {
        readers.read(text) { reader in reader.terms.map(reader.spelling) }
    }

    /// The words that are no terms; nil if they have to be named and are not.
    private static func stopWords(_ parameters: SparseParameters) -> Set<[UInt32]>? {
        if let named = parameters.stopWordSet { return named }
        guard parameters.isStemming else { return [] }
        return stopWords(of: parameters.language).map { Set($0.map { [UInt32](scalars: $0) }) }
    }

    /// Two terms may have the same id; then only the later one counts, as in fastembed.
    private static func vector(_ ids: [UInt32], weight: (Int) -> Double) -> SparseVector {
        let sorted = ids.enumerated().map { UInt64($1) << 32 | UInt64($0) }.sorted()
        var indices: [UInt32] = []
        var values: [Double] = []
        indices.reserveCapacity(sorted.count)
        values.reserveCapacity(sorted.count)
        for entry in sorted {
            let (id, place) = (UInt32(entry >> 32), Int(entry & 0xFFFF_FFFF))
            if indices.last == id {
                values[values.count - 1] = weight(place)
            } else {
                indices.append(id)
                values.append(weight(place))
            }
        }
        return SparseVector(indices: indices, values: values)
    }
}
