package import TextProcessing

/// What a process says and asks while it joins a job, and why it may be refused: values, so that a terminal, a script and the
/// simulation answer them each in their own way.
extension Joining {
    /// What is to be joined, and how.
    package struct Order: Sendable {
        /// Names the pair of source and collection.
        package var target: String
        /// The collection as it is named in configurations.
        package var collection: String
        /// What our points carry as their source.
        package var source: String
        /// Makes the ids of our points.
        package var identity: PointIdentity
        /// To whom the points without a source belong, where a setting says it.
        package var unmarkedPoints: UnmarkedPoints?
        package var configuration: JobConfiguration
        package var schema: CollectionSchema
        /// What all workers of a new job agree on.
        package var settings: JobSettings
        /// The servers of this process.
        package var servers: JobServers
        /// Whether a person has said that servers have moved.
        package var serversMoved: Bool
        /// Records per batch of a new job.
        package var batchSize: Int
        /// Ids per page of the plan at most.
        package var pageSize: Int
        /// Records a new job plans at most.
        package var limit: Int?
        package var choice: Choice
        /// Whether somebody is there to answer; otherwise nothing is asked.
        package var canAsk: Bool
        /// Whether an unfinished job is closed without asking, also while others work on it.
        package var isForced: Bool
        /// Names the process in the store.
        package var runner: String
        /// Whether another process has started this one, with the same settings, after it has joined.
        package var isChild: Bool
        /// Calls of one service that may fail in a row before joining is given up; nil = it goes on until a signal comes.
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

    /// What came of joining.
    package struct Joined: Sendable {
        /// The job, open at that moment.
        package let job: JoinedJob
        /// Whose points it is about.
        package let owner: PointOwner
        /// Whether the collection had no room for more points.
        package let lacksRoom: Bool

        package init(job: JoinedJob, owner: PointOwner, lacksRoom: Bool) {
            self.job = job
            self.owner = owner
            self.lacksRoom = lacksRoom
        }
    }

    /// What a person, or the flags of the command, want of an unfinished job.
    package enum Choice: Sendable, Equatable {
        /// Go on with it; an error when there is none.
        case resume
        /// Close it and plan a new one.
        case new
        /// Nobody has said: ask, and where nobody answers, go on with it.
        case ask
    }

    /// What becomes of an unfinished job, before anybody is asked.
    package enum Decision: Sendable, Equatable {
        /// There is none: plan a new one.
        case planNew
        case resume
        /// Close it, then plan a new one.
        case replace
        /// A person decides between `resume` and `replace`.
        case ask
        /// It was to be resumed, but there is none.
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

    /// A question that takes yes or no.
    package enum Question: Sendable, Equatable {
        /// Go on with this unfinished job? Without an answer it is resumed.
        case resume(JobSummary)
        /// Close this unfinished job and plan a new one? Nobody is asked who cannot answer.
        case close(Closed)
        /// Plan a new job of this many records? Without an answer it is planned.
        case migrate(records: Int64)
        /// Let this paused job go on? Asked before it is joined; without an answer it stays paused, and the process waits.
        case unpause(JobSummary)
        /// Are these servers, which the job has never used, the ones it has used, moved? Without an answer they are not.
        ///
        /// The evidence is of the job's work on them; nil for a new job, whose predecessor has read from another server.
        case serversMoved(JobSummary, JobServers, JobEvidence?)
        /// Do the points without a source belong to the table of this job? Without an answer nothing is written.
        case unmarkedPoints(UnmarkedPoints.Situation)
    }

    /// An unfinished job that a new one is to replace.
    package struct Closed: Sendable, Equatable {
        package let job: JobSummary
        package let activity: JobActivity
        /// In what the new job differs; empty where it would be the same once more.
        package let differences: [JobConfiguration.Difference]
    }

    package enum Reply: Sendable, Equatable {
        case yes, no
        /// Nobody is there who could answer.
        case nobody
        /// The person has left the question: nothing may be changed any more.
        case left
    }

    /// Something a person should know.
    package enum Notice: Sendable, Equatable {
        /// Nobody was asked: the unfinished job is resumed.
        case resuming(JobSummary)
        /// This unfinished job will be closed, and nobody is asked.
        case closing(Closed)
        /// A job was closed because a new one takes its place.
        case closed(JobSummary)
        case opened(JobSummary)
        /// The process works on a job that was there.
        case joined(JobSummary)
        /// The job is paused, and nobody was there to let it go on.
        case staysPaused(JobSummary)
        /// These servers are new to the job, and a flag says that servers have moved.
        case serversMoved(JobSummary, JobServers)
    }

    /// Why a process cannot take part in a job.
    ///
    /// Nothing was changed, unless a notice has said so.
    package enum Refusal: Sendable, Equatable {
        /// No job of the target is unfinished, and one was to be resumed.
        case nothingToResume
        /// The job that was to be resumed has ended meanwhile.
        case endedMeanwhile(JobID)
        /// The job to work on is not open.
        case notOpen(JobSummary)
        /// The open job was begun with other settings.
        case otherSettings(JobSummary, [JobConfiguration.Difference])
        case noCollection
        /// The collection cannot take the points.
        case unfitCollection([CollectionState.Difference])
        /// The source has no row that the job would plan.
        case emptySource
        /// The collection or the source holds nothing of what the job has done: these are other servers than the job's.
        case noEvidence(JobSummary, JobEvidence, JobServers)
        /// The job has never used these servers, and nobody has said that they have moved.
        case otherServers(JobSummary, JobServers)
        /// The job has moved so often that its store takes no further server.
        case tooManyServers(JobSummary)
        /// Another source in the collection makes the ids of its points as we do: equal records would share them.
        case sameNamespace(String)
        /// The points without a source are not ours, and their ids are made as ours are.
        case namespaceOfUnmarked
        /// Nobody can say to whom the points without a source belong.
        case undecidedPoints(UnmarkedPoints.Situation)
        /// A setting says that the points without a source are ours, but the jobs of another source have them.
        case pointsTaken(by: String)
        /// Somebody works on the unfinished job, or it is about other rows, and nobody is there to say that it is to be closed.
        case needsForce(Closed)
        /// Somebody works on the unfinished job, and the new one would be another one.
        case atWork(Closed)
        /// A person said no.
        case declined
        /// A person said that the paused job is to stay paused.
        case staysPaused(JobSummary)
    }

    /// Why joining came to no job.
    package enum End: Error, Sendable {
        case refused(Refusal)
        /// A service could not be used.
        case failed(Service, PortFailure)
        /// The person has left a question; nothing was changed.
        case left
        /// A signal came first.
        case interrupted
    }
}

/// The job as a process has joined it.
package enum JoinedJob: Sendable {
    /// May plan: the answer to opening the job, and what to plan.
    case controlling(OpenIngestionJob.Answer, Controller.Order)
    /// Only works.
    case working(JobSummary)

    /// The job as it was then.
    package var job: JobSummary {
        switch self {
        case .controlling(let answer, _): answer.job
        case .working(let job): job
        }
    }

    /// Of the controller; nil for one that only works.
    var token: String? {
        if case .controlling(_, let order) = self { order.token } else { nil }
    }
}

extension JoinIngestionJob.Answer {
    /// In the words of opening; nil when the job was not joined.
    var opened: OpenIngestionJob.Answer? {
        guard result == .resumed, let job else { return nil }
        return OpenIngestionJob.Answer(result: .resumed, role: role, epoch: epoch, job: job)
    }
}
