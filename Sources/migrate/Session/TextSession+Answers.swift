import Migration
import Settings
import Terminal
import TextProcessing

/// What each of the text commands answers.
extension TextSession {
    func normalise() throws {
        let normaliser = Normaliser()
        try run { text in
            let output = normaliser.normalise(text.text)
            return NormalizeAnswer(output: output, checksum: normaliser.checksum(ofNormalised: output))
        }
    }

    func encode(_ settings: Settings) throws {
        let tokenizer = try Vocabulary.tokenizer(settings)
        try run { TokensAnswer(ids: tokenizer.encode($0.text)) }
    }

    func cut(_ settings: Settings) throws {
        let chunker = Chunker(counter: try Vocabulary.tokenizer(settings), limits: try ChunkLimits(settings.text))
        let normaliser = Normaliser()
        try run { text in
            let normalised = normaliser.normalise(text.text)
            return ChunksAnswer(chunker.parents(of: normalised), of: normalised)
        }
    }

    func weigh(_ settings: Settings) throws {
        let encoder = try SparseEncoder(try SparseParameters(settings.text))
        try run { SparseAnswer(of: $0.text, encoder) }
    }

    /// - Throws: `CommandEnd` also for a text without the id or tenant of its record.
    func shape(_ settings: Settings, record: RecordID?, memberCode: String?) throws {
        let shaper = try PointShaping(
            tokenizer: Vocabulary.tokenizer(settings),
            target: settings.target,
            text: settings.text
        ).shaper
        try run { text in
            guard let id = text.summaryId ?? record, let memberCode = text.memberCode ?? memberCode else {
                throw CommandEnd(.usage, "`summary_id` or `member_code` is missing")
            }
            return try PointsAnswer(
                SourceRecord(id: id, memberCode: memberCode, content: .text(text.text)),
                shaper,
                source: settings.text.sourceName ?? settings.table
            )
        }
    }
}
