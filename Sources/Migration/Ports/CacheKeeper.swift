/// A cache of vectors as a whole, whatever has made them: for the people who keep it.
package protocol CacheKeeper: Sendable {
    /// How much there is, by what has made it.
    func stats() async throws(PortFailure) -> CacheStats
    /// The number of vectors that were made before then.
    func older(than time: DatabaseTime) async throws(PortFailure) -> Int64
    /// Deletes the vectors that were made before then, and gives their room back.
    ///
    /// - Returns: how many were deleted.
    func prune(olderThan time: DatabaseTime) async throws(PortFailure) -> Int64
    /// Reads everything and compares the checksums.
    func verify() async throws(PortFailure) -> CacheFindings
}

/// How much a cache holds.
package struct CacheStats: Sendable, Equatable {
    /// The vectors of one provider, model, number of dimensions and format.
    package struct Space: Sendable, Equatable {
        package let provider: String
        package let model: String
        package let dimensions: Int
        package let format: String
        package let vectors: Int64
        /// Of the vectors themselves, without keys and pages.
        package let bytes: Int64
        /// When the first and the last vector were made; nil without vectors.
        package let oldest: DatabaseTime?
        package let newest: DatabaseTime?

        package init(
            provider: String,
            model: String,
            dimensions: Int,
            format: String,
            vectors: Int64,
            bytes: Int64,
            oldest: DatabaseTime?,
            newest: DatabaseTime?
        ) {
            self.provider = provider
            self.model = model
            self.dimensions = dimensions
            self.format = format
            self.vectors = vectors
            self.bytes = bytes
            self.oldest = oldest
            self.newest = newest
        }
    }

    package let spaces: [Space]
    /// The size of the file.
    package let bytes: Int64
    /// What of it is free for further vectors.
    package let freeBytes: Int64

    package init(spaces: [Space], bytes: Int64, freeBytes: Int64) {
        self.spaces = spaces
        self.bytes = bytes
        self.freeBytes = freeBytes
    }

    package var vectors: Int64 { spaces.reduce(0) { $0 + $1.vectors } }
    /// What one vector takes in the file, with its key and its part of the pages; nil without vectors.
    package var bytesPerVector: Int64? { vectors > 0 ? (bytes - freeBytes) / vectors : nil }
}

/// What a check of a cache has found.
package struct CacheFindings: Sendable, Equatable {
    /// Vectors that were read.
    package var vectors: Int64 = 0
    /// Those with a wrong checksum or length.
    package var damaged: Int64 = 0
    /// Sentences about damaged pages.
    package var pages: [String] = []

    package init() {}

    package var isGood: Bool { damaged == 0 && pages.isEmpty }
}
