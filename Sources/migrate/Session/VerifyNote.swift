import Engine
import FoundationEssentials
import Migration

/// The file that stores how far a comparison of a job has come, so that `migrate verify --resume` can continue it.
struct VerifyNote: Sendable {
    /// The content of the file.
    private struct Content: Codable {
        var version = 1
        let job: JobMark
        let isDeep: Bool
        let repairs: Bool
        let progress: VerifyProgress
    }

    private let path: URL
    private let job: JobMark
    private let isDeep: Bool
    private let repairs: Bool

    /// - Parameters:
    ///   - folder: the folder in which runners also note their claims.
    ///   - job: the job that is compared.
    ///   - isDeep: whether stored texts are compared too; results without them cannot be reused then.
    ///   - repairs: whether wrong points are repaired; results without repairs cannot be reused then.
    init(folder: String, job: JobSummary, isDeep: Bool, repairs: Bool) {
        path = URL(filePath: folder, directoryHint: .isDirectory).appending(path: "verify-\(job.id).json")
        self.job = JobMark(job)
        self.isDeep = isDeep
        self.repairs = repairs
    }

    /// How far the last comparison of the same kind has come; nil if it has completed, or never started on this host.
    func read() -> VerifyProgress? {
        guard let data = try? Data(contentsOf: path),
            let content = try? JSONDecoder().decode(Content.self, from: data),
            content.version == 1, content.job == job, content.isDeep == isDeep, content.repairs == repairs
        else { return nil }
        return content.progress
    }

    /// Replaces the file in one step; if that fails, an interrupted comparison only has to start from the beginning.
    func write(_ progress: VerifyProgress) {
        let content = Content(job: job, isDeep: isDeep, repairs: repairs, progress: progress)
        guard let data = try? JSONEncoder().encode(content) else { return }
        try? FileManager.default.createDirectory(
            at: path.deletingLastPathComponent(),
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        try? data.write(to: path, options: .atomic)
    }

    func remove() { try? FileManager.default.removeItem(at: path) }
}
