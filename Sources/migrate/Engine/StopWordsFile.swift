import Terminal

/// A file of stop words: separated by white space, in UTF-8.
enum StopWordsFile {
    /// The longest known list has a few thousand words; a larger file is no such list.
    private static let bytesMax = 1 << 20

    /// The words of a file, unchanged.
    ///
    /// - Throws: `CommandEnd` when the file cannot be read or is no list of stop words.
    static func words(_ path: String) throws -> [String] {
        func refusal(_ why: String) -> CommandEnd { CommandEnd(.badSettings, "SPARSE_STOP_WORDS: \(path) \(why)") }
        guard let bytes = try? FileBytes.read(path, upTo: bytesMax + 1) else { throw refusal("cannot be read") }
        if bytes.count > bytesMax { throw refusal("is no list of stop words: it has more than 1 MB") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw refusal("is not UTF-8") }
        return text.split { $0.isWhitespace || $0 == "\u{FEFF}" }.map(String.init)
    }
}
