package import Migration
package import TextProcessing

/// The messages and questions of a process while it joins a job, and the reasons to refuse it: values, so that a
/// terminal, a script and the simulation can handle them in different ways.
extension Joining {
    /// What to join, and how.
    package struct Order: Sendable {
        /// The name of the pair of source and collection.
        package var target: String
        /// The collection's name in configurations.
        package var collection: String
        /// The value of `source` in the points of this source.
        package var source: String
        /// Makes the ids of this source's points.
        package var identity: PointIdentity
        /// To whom the points without a source belong, if a setting decides it.
        package var unmarkedPoints: UnmarkedPoints?
        package var configuration: JobConfiguration
        package var schema: CollectionSchema
        /// The settings that all workers of a new job share.
        package var settings: JobSettings
        /// The servers of this process.
        package var servers: JobServers
        /// Whether a flag says that servers have moved.
        package var serversMoved: Bool
        /// Records per batch of a new job.
        package var batchSize: Int
        /// The highest number of ids per page of the plan.
        package var pageSize: Int
        /// The highest number of records that a new job plans.
        package var limit: Int?
        package var choice: Choice
        /// Whether a person can answer; otherwise no question is asked.
        package var canAsk: Bool
        /// Whether an unfinished job is closed without a question, also while other runners work on it.
        package var isForced: Bool
        /// The name of the process in the store.
        package var runner: String
        /// Whether another process started this one, with the same settings, after it had joined.
        package var isChild: Bool
        /// How many calls to one service may fail in a row before joining is given up; nil = only a signal ends it.
        package var triesMax: Int?

        package init(
            target: String,
            collection: String,
            source: String,
            identity: PointIdentity,
            unmarkedPoints: UnmarkedPoints? = nil,
            configuration: JobConfiguration,
            schema: CollectionSchema,
            settings: JobSettings,
            servers: JobServers = JobServers(),
            serversMoved: Bool = false,
            batchSize: Int,
            pageSize: Int = PlanPaging.idsMax,
            limit: Int? = nil,
            choice: Choice = .ask,
            canAsk: Bool = false,
            isForced: Bool = false,
            runner: String,
            isChild: Bool = false,
            triesMax: Int? = 4
        ) {
            self.target = target
            self.collection = collection
            self.source = source
            self.identity = identity
            self.unmarkedPoints = unmarkedPoints
            self.configuration = configuration
            self.schema = schema
            self.settings = settings
            self.servers = servers
            self.serversMoved = serversMoved
            self.batchSize = batchSize
            self.pageSize = pageSize
            self.limit = limit
            self.choice = choice
            self.canAsk = canAsk
            self.isForced = isForced
            self.runner = runner
            self.isChild = isChild
            self.triesMax = triesMax
        }
    }

    /// The result of joining.
    package struct Joined: Sendable {
        /// The job, open at that moment.
        package let job: JoinedJob
        /// The owner of its points.
        package let owner: PointOwner
        /// Whether the collection had no room for more points.
        package let lacksRoom: Bool

        package init(job: JoinedJob, owner: PointOwner, lacksRoom: Bool) {
            self.job = job
            self.owner = owner
            self.lacksRoom = lacksRoom
        }
    }

    /// What to do with an unfinished job, as chosen by a person or by flags.
    package enum Choice: Sendable, Equatable {
        /// Go on with it; an error when there is none.
        case resume
        /// Close it and plan a new one.
        case new
        /// Not chosen: ask, and resume it if no person answers.
        case ask
    }

    /// The decision about an unfinished job, before any question.
    package enum Decision: Sendable, Equatable {
        /// There is no such job: plan a new one.
        case planNew
        case resume
        /// Close it, then plan a new one.
        case replace
        /// A person decides between `resume` and `replace`.
        case ask
        /// A job was to be resumed, but there is none.
        case nothingToResume

        package init(job: JobSummary?, choice: Choice) {
            switch (job, choice) {
            case (nil, .resume): self = .nothingToResume
            case (nil, .new), (nil, .ask): self = .planNew
            case (_?, .resume): self = .resume
            case (_?, .new): self = .replace
            case (_?, .ask): self = .ask
            }
        }
    }

    /// A question with the answers yes and no.
    package enum Question: Sendable, Equatable {
        /// Resume this unfinished job? Without an answer it is resumed.
        case resume(JobSummary)
        /// Close this unfinished job and plan a new one? Asked only if a person can answer.
        case close(Closed)
        /// Plan a new job of this many records? Without an answer it is planned.
        case migrate(records: Int64)
        /// Resume this paused job? Asked before it is joined; without an answer it stays paused, and the process waits.
        case unpause(JobSummary)
        /// Are these servers, which the job has never used, its known servers under a new name? Without an answer they
        /// are not.
        ///
        /// The evidence shows the job's work on them; nil for a new job, whose predecessor has read from another
        /// server.
        case serversMoved(JobSummary, JobServers, JobEvidence?)
        /// Do the points without a source belong to the table of this job? Without an answer nothing is written.
        case unmarkedPoints(UnmarkedPoints.Situation)
    }

    /// An unfinished job that a new one is to replace.
    package struct Closed: Sendable, Equatable {
        package let job: JobSummary
        package let activity: JobActivity
        /// How the new job differs; empty if it would be the same again.
        package let differences: [JobConfiguration.Difference]
    }

    package enum Reply: Sendable, Equatable {
        case yes, no
        /// No person can answer.
        case nobody
        /// The person has left the question: nothing may be changed any more.
        case left
    }

    /// A message for a person.
    package enum Notice: Sendable, Equatable {
        /// No question was asked: the unfinished job is resumed.
        case resuming(JobSummary)
        /// This unfinished job will be closed without a question.
        case closing(Closed)
        /// A job was closed because a new one takes its place.
        case closed(JobSummary)
        case opened(JobSummary)
        /// The process works on an existing job.
        case joined(JobSummary)
        /// The job is paused, and no person could decide to resume it.
        case staysPaused(JobSummary)
        /// These servers are new to the job, and a flag says that servers have moved.
        case serversMoved(JobSummary, JobServers)
    }

    /// Why a process cannot take part in a job.
    ///
    /// Nothing was changed, unless a notice has said so.
    package enum Refusal: Sendable, Equatable {
        /// A job was to be resumed, but the target has no unfinished job.
        case nothingToResume
        /// The job to resume has ended meanwhile.
        case endedMeanwhile(JobID)
        /// The job to work on is not open.
        case notOpen(JobSummary)
        /// The open job was started with other settings.
        case otherSettings(JobSummary, [JobConfiguration.Difference])
        case noCollection
        /// The collection cannot take the points.
        case unfitCollection([CollectionState.Difference])
        /// The source has no row that the job would plan.
        case emptySource
        /// The collection or the source holds nothing of what the job has done: these are not the job's servers.
        case noEvidence(JobSummary, JobEvidence, JobServers)
        /// The job has never used these servers, and no flag or answer says that they have moved.
        case otherServers(JobSummary, JobServers)
        /// The job has moved so often that its store accepts no further server.
        case tooManyServers(JobSummary)
        /// Another source in the collection derives the ids of its points in the same way: equal records would share
        /// them.
        case sameNamespace(String)
        /// The points without a source belong to others, and their ids are derived in the same way.
        case namespaceOfUnmarked
        /// It is unknown to whom the points without a source belong.
        case undecidedPoints(UnmarkedPoints.Situation)
        /// A setting says that the points without a source belong to this source, but another source's jobs have
        /// decided to own them.
        case pointsTaken(by: String)
        /// Workers process the unfinished job, or it is about other rows, and no person can confirm that it is to be
        /// closed.
        case needsForce(Closed)
        /// Workers process the unfinished job, and the new job would be a different one.
        case atWork(Closed)
        /// A person answered no.
        case declined
        /// A person decided that the paused job is to stay paused.
        case staysPaused(JobSummary)
    }

    /// Why joining gave no job.
    package enum End: Error, Sendable {
        case refused(Refusal)
        /// A service could not be used.
        case failed(Service, PortFailure)
        /// A person left a question unanswered; nothing was changed.
        case left
        /// A signal came first.
        case interrupted
    }
}

/// The job as a process has joined it.
package enum JoinedJob: Sendable {
    /// It may plan: the answer to opening the job, and what to plan.
    case controlling(OpenIngestionJob.Answer, Controller.Order)
    /// It only works.
    case working(JobSummary)

    /// The job at the time of joining.
    package var job: JobSummary {
        switch self {
        case .controlling(let answer, _): answer.job
        case .working(let job): job
        }
    }

    /// The token of the controller; nil for a process that only works.
    var token: String? {
        if case .controlling(_, let order) = self { order.token } else { nil }
    }
}

extension JoinIngestionJob.Answer {
    /// The answer in the form of an opening call; nil when the job was not joined.
    var opened: OpenIngestionJob.Answer? {
        guard result == .resumed, let job else { return nil }
        return OpenIngestionJob.Answer(result: .resumed, role: role, epoch: epoch, job: job)
    }
}
