import FoundationEssentials
import Migration
import Terminal

/// `migrate cache` with any cache.
struct CacheSession: Sendable {
    let keeper: any CacheKeeper
    let path: String
    let console: Console
    let isJSON: Bool
    var now: @Sendable () -> DatabaseTime = {
        DatabaseTime(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }

    /// The console for sentences: with JSON on standard error.
    private var prose: Console { isJSON ? console.aside : console }

    func stats() async throws {
        let report = CacheStatsReport(path, try await keeper.stats())
        console.out(isJSON ? try JSONText.of(report) : report.text)
    }

    /// Deletes old vectors after a question.
    ///
    /// - Throws: `CommandEnd` when a person answers no, or no person can answer.
    func prune(_ age: Age, isSure: Bool) async throws {
        let before = DatabaseTime(microseconds: now().microseconds - age.seconds * 1_000_000)
        var report = CachePruneReport(file: path, vectors: try await keeper.older(than: before))
        if report.vectors > 0 {
            let what = Format.plural(report.vectors, "vector")
            let old = Format.duration(.seconds(age.seconds))
            try await prose.confirm(
                "Delete \(what) of \(path), made \(old) ago or earlier, for good?",
                isSure: isSure,
                default: false
            )
            report.deleted = try await keeper.prune(olderThan: before)
        }
        if isJSON { return console.out(try JSONText.of(report)) }
        console.out(
            report.vectors == 0
                ? "Nothing to delete: no vector is that old."
                : "\(Format.plural(report.deleted, "vector")) deleted."
        )
    }

    /// Checks everything.
    ///
    /// - Throws: `CommandEnd` when something is damaged.
    func verify() async throws {
        let findings = try await keeper.verify()
        if isJSON { console.out(try JSONText.of(CacheVerifyReport(path, findings))) }
        guard findings.isGood else {
            if !isJSON { for page in findings.pages { console.out("Damaged: \(page)") } }
            throw CommandEnd(
                .incomplete,
                findings.pages.isEmpty
                    ? "\(Format.plural(findings.damaged, "vector")) of \(Format.count(findings.vectors)) in \(path) "
                        + "damaged: a run embeds their texts again and replaces them"
                    : "\(path) has damaged pages: delete the file; its texts are paid for again"
            )
        }
        if !isJSON { console.out("\(Format.plural(findings.vectors, "vector")) read, all of them whole.") }
    }
}
