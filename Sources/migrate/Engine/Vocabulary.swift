import Basics
import FoundationEssentials
import Settings
import Terminal
import TextProcessing

/// The possible places of the tokenizer's vocabulary.
struct VocabularyLookup: Sendable, Equatable {
    /// The name of `cl100k_base.tiktoken` in tiktoken's cache: the SHA-1 of its address.
    static let tiktokenName = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
    static let fileName = "cl100k_base.tiktoken"
    /// OpenAI's public address; tiktoken uses it too.
    static let publicAddress = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"

    /// The file in the settings; if set, only this file counts.
    let named: String?
    let environment: [String: String]

    /// Paths to try, in order.
    var candidates: [String] {
        if let named { return [named] }
        var paths: [String] = []
        for variable in ["TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"] {
            if let folder = value(variable) { paths.append("\(folder)/\(Self.tiktokenName)") }
        }
        if let cacheFile { paths.append(cacheFile) }
        return paths
    }

    /// The program's own copy; nil if there is no home directory.
    var cacheFile: String? {
        let folder = value("XDG_CACHE_HOME") ?? value("HOME").map { "\($0)/.cache" }
        return folder.map { "\($0)/migrate/\(Self.fileName)" }
    }

    private func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
}

/// Makes the exact tokenizer from a file.
enum Vocabulary {
    /// The tokenizer for these settings.
    ///
    /// - Throws: `CommandEnd` with one sentence that says what to do.
    static func tokenizer(_ settings: Settings) throws -> Tokenizer {
        let lookup = VocabularyLookup(
            named: settings.text.vocabularyFile,
            environment: ProcessInfo.processInfo.environment
        )
        guard let tokenizer = try tokenizer(lookup) else {
            throw CommandEnd(
                .badSettings,
                "the tokenizer's vocabulary is missing: run `migrate setup tokenizer` once, which fetches it from OpenAI, "
                    + "or `migrate setup tokenizer --from FILE` with a copy of \(VocabularyLookup.fileName)"
            )
        }
        return tokenizer
    }

    /// Nil if there is no file.
    static func tokenizer(_ lookup: VocabularyLookup) throws -> Tokenizer? {
        for path in lookup.candidates {
            guard let data = FileManager.default.contents(atPath: path) else { continue }
            return try tokenizer(data, from: path)
        }
        return nil
    }

    /// The program's own copy, if it exists and is undamaged.
    ///
    /// - Throws: `CommandEnd` when there is no folder for a copy.
    static func kept(_ lookup: VocabularyLookup) throws -> String? {
        let path = try place(lookup)
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        // A damaged copy is replaced.
        return (try? tokenizer(data, from: path)).map { _ in path }
    }

    /// Stores a copy where later runs look for it, completely or not at all.
    ///
    /// - Returns: its path.
    static func store(_ data: Data, from origin: String, lookup: VocabularyLookup) throws -> String {
        _ = try tokenizer(data, from: origin)
        let path = try place(lookup)
        let file = URL(filePath: path)
        do {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try data.write(to: file, options: .atomic)
        } catch {
            throw CommandEnd(.badSettings, "\(path) cannot be written: \(error.systemReason)")
        }
        return path
    }

    private static func place(_ lookup: VocabularyLookup) throws -> String {
        guard let path = lookup.cacheFile else {
            throw CommandEnd(.badSettings, "there is no place to keep the vocabulary: set HOME or XDG_CACHE_HOME")
        }
        return path
    }

    private static func tokenizer(_ data: Data, from origin: String) throws -> Tokenizer {
        do { return try Tokenizer(vocabulary: [UInt8](data)) } catch {
            throw CommandEnd(.badSettings, "\(origin): \(error)")
        }
    }
}
