/// An input that text processing refuses, with a sentence for the person who can change it.
///
/// It never contains any text of a record.
public struct TextError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One sentence: what is wrong and what would be right.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
