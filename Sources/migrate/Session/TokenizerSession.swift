import FoundationEssentials
import Terminal

/// `migrate setup tokenizer`: fetches or copies the vocabulary, and keeps it.
struct TokenizerSession {
    /// Returns the content of an http(s) address.
    let fetch: (String) async throws -> Data

    /// Keeps the content of a path or address, unless an undamaged copy exists already.
    ///
    /// - Throws: `CommandEnd` when it cannot be read or stored, or is no such vocabulary.
    func run(from origin: String) async throws -> TokenizerReport {
        let lookup = VocabularyLookup(named: nil, environment: ProcessInfo.processInfo.environment)
        let kept = try Vocabulary.kept(lookup)
        let path =
            if let kept { kept } else { try Vocabulary.store(await content(of: origin), from: origin, lookup: lookup) }
        return TokenizerReport(path: path, isNew: kept == nil)
    }

    private func content(of origin: String) async throws -> Data {
        if origin.contains("://") { return try await fetch(origin) }
        guard let content = FileManager.default.contents(atPath: origin) else {
            throw CommandEnd(.usage, "\(origin) cannot be read")
        }
        return content
    }
}
