import Migration
import Settings
import TextProcessing

/// How records become points.
struct PointShaping {
    let shaper: RecordShaper
    let sparseEncoder: SparseEncoder
    let profile: Profile

    init(tokenizer: any TokenCounting, target: Settings.Target, text: Settings.Text) throws {
        let limits = try ChunkLimits(text)
        let parameters = try SparseParameters(text)
        sparseEncoder = try SparseEncoder(parameters)
        profile = Profile(
            tokenizer: tokenizer.identity,
            limits: limits,
            model: target.model,
            dimensions: target.dimensions,
            sparse: parameters
        )
        shaper = RecordShaper(
            chunker: Chunker(counter: tokenizer, limits: limits),
            sparseEncoder: sparseEncoder,
            identity: PointIdentity(namespace: text.pointIDNamespace),
            profile: profile
        )
    }
}

extension JobConfiguration {
    /// What identifies a job: how records become points, where they come from and where they go.
    init(_ profile: Profile, _ names: Engine.Names, _ text: Settings.Text) {
        var values: [String: String] = [:]
        for line in profile.lines {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            values[String(parts[0])] = String(parts[1])
        }
        values["point_id_namespace"] = text.pointIDNamespace
        values["table"] = names.table
        values["id_column"] = names.idColumn
        values["tenant_column"] = names.tenantColumn
        values["content_column"] = names.contentColumn
        values["collection"] = names.collection
        if let condition = names.condition { values[JobConfiguration.conditionKey] = condition }
        // Only if it differs: jobs of versions without this setting stay the same job.
        if names.source != names.table { values["source"] = names.source }
        self.init(values: values)
    }
}

extension ChunkLimits {
    /// The sizes in the settings.
    init(_ text: Settings.Text) throws(TextError) {
        try self.init(
            parentMaxTokens: text.parentTokensMax,
            parentChunkSize: text.parentChunkTokens,
            chunkSize: text.chunkTokens,
            chunkOverlap: text.chunkOverlapTokens
        )
    }
}

extension SparseParameters {
    /// The sparse encoding in the settings.
    ///
    /// - Throws: `CommandEnd` when the stop words cannot be read.
    init(_ text: Settings.Text) throws {
        try self.init(
            language: text.sparseLanguage,
            stopWords: text.stopWordsFile.map(StopWordsFile.words),
            averageLength: text.sparseAverageLength,
            cjk: text.sparseCJKBigrams ? .bigram : .off
        )
    }
}
