/// Joins one job, and asks for its controller lease.
///
/// It creates no job and joins no other one; nothing changes if the job has ended or has another configuration.
/// It neither starts nor resumes the job.
package struct JoinIngestionJob: JobCall {
    package static let function = "join_ingestion_job"

    package var job: JobID
    /// SHA-256 of everything that shapes the written points.
    package var configHash: String
    /// The caller's host and process, for people.
    package var controllerId: String
    /// A UUID that proves later calls come from the same controller.
    package var token: String

    package init(job: JobID, configHash: String, controllerId: String, token: String) {
        self.job = job
        self.configHash = configHash
        self.controllerId = controllerId
        self.token = token
    }

    package struct Answer: Codable, Sendable, Equatable {
        package var result: Result
        /// Whether the caller plans or only works; `follower` if the job is not joined.
        package var role: OpenIngestionJob.Role
        /// Number of the present controller lease; 0 when there is no such job.
        package var epoch: Int
        /// The job's present state; nil when there is none.
        package var job: JobSummary?

        package init(result: Result, role: OpenIngestionJob.Role, epoch: Int, job: JobSummary?) {
            self.result = result
            self.role = role
            self.epoch = epoch
            self.job = job
        }
    }

    /// Whether the job is joined.
    package enum Result: String, Codable, Sendable, CaseIterable {
        /// It is open and has the caller's configuration.
        case resumed
        /// It is open and has another configuration: nothing changed.
        case configMismatch = "config_mismatch"
        /// It is completed, failed or cancelled: nothing changed.
        case ended
        case notFound = "not_found"
    }
}

/// Stores servers that a job uses, besides those that it has used before; repeating it changes nothing.
package struct AddIngestionServers: JobCall {
    package static let function = "add_ingestion_servers"

    /// The job, open or not.
    package var job: JobID
    /// The servers; known ones are ignored.
    ///
    /// Refused (22023) if a kind would have more than `JobServers.entriesMax`, or an entry is empty or longer than
    /// `JobServers.lengthMax`; then nothing changes.
    package var servers: JobServers

    package init(job: JobID, servers: JobServers) {
        self.job = job
        self.servers = servers
    }

    package struct Answer: Codable, Sendable, Equatable {
        package var result: JobPresence
        /// All present servers of the job; nil when there is no such job.
        package var servers: JobServers?

        package init(result: JobPresence, servers: JobServers?) {
            self.result = result
            self.servers = servers
        }
    }
}
