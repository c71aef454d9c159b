package import Migration

/// What is known about a tracking store at a quiet moment: its rows, its events and, if they were recorded, the calls
/// that led there.
///
/// Plain values, so that the checks of the invariants are functions of them, for any store.
package struct TrackingEvidence: Sendable {
    /// One job with everything that belongs to it.
    package struct Job: Sendable {
        package var summary: JobSummary
        /// The values of the counters.
        package var stats: JobStats
        /// By number.
        package var batches: [BatchSummary]
        /// Dead letters, open and resolved, by record id.
        package var failures: [FailureSummary]
        /// By id; empty if the job records none.
        package var events: [EventSummary]

        package init(
            summary: JobSummary,
            stats: JobStats,
            batches: [BatchSummary],
            failures: [FailureSummary],
            events: [EventSummary]
        ) {
            self.summary = summary
            self.stats = stats
            self.batches = batches
            self.failures = failures
            self.events = events
        }
    }

    package var jobs: [Job]
    /// In the order in which they began.
    package var calls: [ObservedCall]
    /// How much later an event's time may be than the decision of its call, if the call does not tell: zero if time
    /// stands still during a call, some seconds on a server where calls wait.
    package var slack: Duration

    package init(jobs: [Job], calls: [ObservedCall] = [], slack: Duration = .zero) {
        self.jobs = jobs
        self.calls = calls
        self.slack = slack
    }
}

/// A call as its caller saw it.
package struct ObservedCall: Sendable {
    /// One reference, plus what the checks read first, because they go through all calls again and again.
    private final class Sent: Sendable {
        let call: any TrackingCall
        let type: ObjectIdentifier
        let job: JobID?

        init(_ call: any TrackingCall) {
            self.call = call
            type = ObjectIdentifier(Swift.type(of: call))
            job = call.namedJob
        }
    }

    private var sent: Sent
    package var call: any TrackingCall {
        get { sent.call }
        set { sent = Sent(newValue) }
    }
    /// Nil if it was lost.
    package var answer: RecordedAnswer?
    /// The positions of its begin and its end among all begins and ends; the end is nil if the caller gave up.
    package var began: Int
    package var ended: Int?
    /// The database clock when it began, or an earlier moment, if it is known.
    package var at: DatabaseTime?
    /// The database clock when it ended, or a later moment, if it is known.
    package var until: DatabaseTime?
    /// The last stored event when it began, and when it ended, if they are known.
    package var eventBefore: Int64?
    package var eventAfter: Int64?

    package init(
        _ call: any TrackingCall,
        answer: RecordedAnswer? = nil,
        began: Int,
        ended: Int? = nil,
        at: DatabaseTime? = nil,
        until: DatabaseTime? = nil,
        eventBefore: Int64? = nil,
        eventAfter: Int64? = nil
    ) {
        sent = Sent(call)
        self.answer = answer
        self.began = began
        self.ended = ended
        self.at = at
        self.until = until
        self.eventBefore = eventBefore
        self.eventAfter = eventAfter
    }

    package var namedJob: JobID? { sent.job }

    /// The function that it calls.
    var function: ObjectIdentifier { sent.type }

    /// Whether it is a call of this function.
    package func calls<Call: TrackingCall>(_ type: Call.Type) -> Bool { sent.type == ObjectIdentifier(type) }

    /// The call, if it calls this function.
    package func sent<Call: TrackingCall>(_ type: Call.Type) -> Call? { calls(type) ? sent.call as? Call : nil }

    /// Its answer, if it calls this function.
    package func given<Call: TrackingCall>(_ type: Call.Type) -> Call.Answer? {
        calls(type) ? answer?.value(Call.Answer.self) : nil
    }

    /// The call and its answer, if it calls this function.
    package func answered<Call: TrackingCall>(_ type: Call.Type) -> (call: Call, answer: Call.Answer)? {
        guard let answer = given(type), let call = sent(type) else { return nil }
        return (call, answer)
    }
}

extension TrackingEvidence {
    /// Reads every job of a store through the functions that list them: any store, at a moment when nothing changes it.
    package init(
        reading store: any JobStore,
        calls: [ObservedCall] = [],
        slack: Duration = .zero
    ) async throws(PortFailure) {
        self.init(jobs: [], calls: calls, slack: slack)
        var after: JobID?
        repeat {
            let page = try await store.jobs(.init(job: nil, filter: .init(), after: after, limit: 1000))
            for summary in page.rows { jobs.append(try await Job(reading: summary, from: store)) }
            after = page.next
        } while after != nil
        jobs.sort { $0.summary.id < $1.summary.id }
    }
}

extension TrackingEvidence.Job {
    fileprivate init(reading summary: JobSummary, from store: any JobStore) async throws(PortFailure) {
        self.init(
            summary: summary,
            stats: try await store.stats(.init(job: summary.id)),
            batches: [],
            failures: [],
            events: []
        )
        var afterBatch: Int?
        repeat {
            let page = try await store.batches(.init(job: summary.id, filter: .init(), after: afterBatch, limit: 1000))
            batches += page.rows
            afterBatch = page.next
        } while afterBatch != nil
        var afterRecord: RecordID?
        repeat {
            let page = try await store.failures(
                .init(job: summary.id, filter: .init(), after: afterRecord, limit: 1000)
            )
            failures += page.rows
            afterRecord = page.next
        } while afterRecord != nil
        var afterEvent: Int64?
        repeat {
            let page = try await store.events(.init(job: summary.id, filter: .init(), after: afterEvent, limit: 1000))
            events += page.rows
            afterEvent = page.next
        } while afterEvent != nil
    }
}
