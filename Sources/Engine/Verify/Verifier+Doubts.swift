import Migration

/// Records without a text at the first look, until their second look.
///
/// They are collected over many batches, so that a job with deleted rows in each of its batches waits once and not in
/// each.
struct Doubts: Sendable {
    /// The number that is collected before they are read again: a record of this list takes about 30 bytes.
    static let most = 10_000
    /// Records that are read again at once.
    private static let chunk = 500

    private var subjects: [Comparison.Subject] = []
    private var readAt = Duration.zero

    var count: Int { subjects.count }
    var all: [Comparison.Subject] { subjects }

    mutating func add(_ more: [Comparison.Subject], readAt time: Duration) {
        if more.isEmpty { return }
        subjects += more
        readAt = time
    }

    /// Removes the next ones from the list.
    ///
    /// - Returns: the records and when the last of them was read; nil when there are none.
    mutating func next() -> (subjects: [Comparison.Subject], readAt: Duration)? {
        if subjects.isEmpty { return nil }
        let chunk = Array(subjects.prefix(Self.chunk))
        subjects.removeFirst(chunk.count)
        return (chunk, readAt)
    }
}

extension Verifier {
    /// Reads the records a second time for which the first look found no text.
    ///
    /// - Returns: how many points the collection holds for these records.
    func settle(_ doubts: inout Doubts, into report: inout VerificationReport) async throws(ServiceFailure) -> Int {
        var points = 0
        while let (subjects, readAt) = doubts.next() {
            do throws(WorkEnd) {
                try await survey.caller.wait(for: readAt + SecondLook.gap - ports.time.now, by: .source)
                try survey.caller.checkpoint()
            } catch {
                throw ServiceFailure(error)
            }
            points += try await compare(subjects, .second, &doubts, into: &report)
        }
        return points
    }
}
