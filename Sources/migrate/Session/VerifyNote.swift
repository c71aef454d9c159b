import FoundationEssentials
import Migration

/// The file that remembers how far a comparison of a job came, so that `migrate verify --resume` goes on from there.
struct VerifyNote: Sendable {
    /// What is in the file.
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
    ///   - folder: where runners note what they hold, too.
    ///   - job: what is compared.
    ///   - isDeep: whether stored texts are compared, too; what was found without them is of no use then.
    ///   - repairs: whether what is wrong is repaired; the same holds.
    init(folder: String, job: JobSummary, isDeep: Bool, repairs: Bool) {
        path = URL(filePath: folder, directoryHint: .isDirectory).appending(path: "verify-\(job.id).json")
        self.job = JobMark(job)
        self.isDeep = isDeep
        self.repairs = repairs
    }

    /// How far the last comparison of the same kind came; nil when it came to its end, or was never begun here.
    func read() -> VerifyProgress? {
        guard let data = try? Data(contentsOf: path),
            let content = try? JSONDecoder().decode(Content.self, from: data),
            content.version == 1, content.job == job, content.isDeep == isDeep, content.repairs == repairs
        else { return nil }
        return content.progress
    }

    /// Replaces the file in one step; without one a comparison that is stopped begins anew, which is all that is lost.
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
