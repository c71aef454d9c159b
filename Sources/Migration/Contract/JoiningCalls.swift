/// Which servers a job has used, by kind: sets, in the order of their bytes.
///
/// They are stored beside the configuration and outside its hash, because a server may move. An entry is what names the
/// server to people: `host:3306/database` for the source, a base URL for the others.
package struct JobServers: Codable, Sendable, Equatable {
    /// Entries of one kind at most; more cannot be servers of one job, and every reader of the job gets them.
    package static let entriesMax = 20
    /// Unicode scalars of an entry at most.
    package static let lengthMax = 500

    /// Where the records come from.
    package private(set) var source: [String]
    /// Where the points go.
    package private(set) var points: [String]
    /// Where the vectors are made.
    package private(set) var embedder: [String]

    /// Entries in any order, also repeated.
    package init(source: [String] = [], points: [String] = [], embedder: [String] = []) {
        self.source = Self.sorted(source)
        self.points = Self.sorted(points)
        self.embedder = Self.sorted(embedder)
    }

    /// A kind that is absent has no entries.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            source: try container.decodeIfPresent([String].self, forKey: .source) ?? [],
            points: try container.decodeIfPresent([String].self, forKey: .points) ?? [],
            embedder: try container.decodeIfPresent([String].self, forKey: .embedder) ?? []
        )
    }

    /// No server of any kind.
    package var isEmpty: Bool { self == Self() }

    /// Whether a store takes as many.
    package var fits: Bool { [source, points, embedder].allSatisfy { $0.count <= Self.entriesMax } }

    /// The servers of both.
    package func union(_ other: Self) -> Self {
        Self(source: source + other.source, points: points + other.points, embedder: embedder + other.embedder)
    }

    /// The servers that another does not have.
    package func subtracting(_ other: Self) -> Self {
        let without = { (mine: [String], theirs: [String]) in
            mine.filter { entry in !theirs.contains { Self.isSame($0, entry) } }
        }
        return Self(
            source: without(source, other.source),
            points: without(points, other.points),
            embedder: without(embedder, other.embedder)
        )
    }

    /// Whether every server of another is among these.
    package func contains(_ other: Self) -> Bool { other.subtracting(self).isEmpty }

    /// By bytes, as the SQL compares: Swift takes two spellings of one accented letter for the same text.
    private static func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

    private static func sorted(_ entries: [String]) -> [String] {
        entries.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.reduce(into: []) { result, entry in
            if result.last.map({ !isSame($0, entry) }) ?? true { result.append(entry) }
        }
    }
}

/// Joins one job, and asks for its controller lease.
///
/// It can create no job and joins no other one; nothing changes where the job has ended or has another configuration.
/// It neither starts nor un-pauses.
package struct JoinIngestionJob: TrackingCall {
    package static let function = "join_ingestion_job"

    /// The job.
    package var job: JobID
    /// SHA-256 of what shapes the written points.
    package var configHash: String
    /// Who asks, for people: host, process.
    package var controllerId: String
    /// A UUID that proves later calls are ours.
    package var token: String

    /// All fields, in order.
    package init(job: JobID, configHash: String, controllerId: String, token: String) {
        self.job = job
        self.configHash = configHash
        self.controllerId = controllerId
        self.token = token
    }

    /// What was found.
    package struct Answer: Codable, Sendable, Equatable {
        /// Whether the job is joined.
        package var result: Result
        /// Whether we plan or only work; `follower` where the job is not joined.
        package var role: OpenIngestionJob.Role
        /// Number of the controller lease that now holds; 0 when there is no such job.
        package var epoch: Int
        /// The job as it is now; nil when there is none.
        package var job: JobSummary?

        /// All fields, in order.
        package init(result: Result, role: OpenIngestionJob.Role, epoch: Int, job: JobSummary?) {
            self.result = result
            self.role = role
            self.epoch = epoch
            self.job = job
        }
    }

    /// Whether the job is joined.
    package enum Result: String, Codable, Sendable, CaseIterable {
        /// It is open and has our configuration.
        case resumed
        /// It is open and has another configuration: nothing changed.
        case configMismatch = "config_mismatch"
        /// It is completed, failed or cancelled: nothing changed.
        case ended
        /// There is no such job.
        case notFound = "not_found"
    }
}

/// Notes servers that a job uses, beside those it is known to have used; repeating it changes nothing.
package struct AddIngestionServers: TrackingCall {
    package static let function = "add_ingestion_servers"

    /// The job, open or not.
    package var job: JobID
    /// The servers; those that are known already are passed over.
    ///
    /// Refused (22023) where a kind would have more than `JobServers.entriesMax`, or an entry is empty or longer than
    /// `JobServers.lengthMax`; then nothing changes.
    package var servers: JobServers

    /// All fields, in order.
    package init(job: JobID, servers: JobServers) {
        self.job = job
        self.servers = servers
    }

    /// What became of it.
    package struct Answer: Codable, Sendable, Equatable {
        /// Whether there is such a job.
        package var result: Result
        /// All servers of the job now; nil when there is no such job.
        package var servers: JobServers?

        /// All fields, in order.
        package init(result: Result, servers: JobServers?) {
            self.result = result
            self.servers = servers
        }
    }

    /// Whether there is such a job.
    package enum Result: String, Codable, Sendable, CaseIterable {
        /// There is.
        case ok
        /// There is not.
        case notFound = "not_found"
    }
}
