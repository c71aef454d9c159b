/// The values of SPARSE_LANGUAGE: the languages of `TextProcessing`, which this module does not import; a test compares them.
enum SparseLanguages {
    static let all = [
        "arabic", "danish", "dutch", "english", "finnish", "french", "german", "greek", "hungarian", "italian",
        "norwegian", "portuguese", "romanian", "russian", "spanish", "swedish", "tamil", "turkish",
    ]
    /// The languages whose stop words this program does not contain.
    static let withoutStopWords: Set = ["arabic", "greek", "romanian"]
}
