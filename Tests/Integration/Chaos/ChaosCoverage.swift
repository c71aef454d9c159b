/// How often each thing really happened.
struct ChaosCoverage: Sendable, CustomStringConvertible {
    enum Fault: String, CaseIterable, Sendable {
        case kills = "processes killed with SIGKILL"
        case killsOfAll = "moments in which all processes were killed"
        case stops = "processes stopped beyond their lease, then continued"
        case terms = "processes asked to end with SIGTERM"
        case postgresRestarts = "crashes of PostgreSQL"
        case mysqlRestarts = "restarts of MariaDB"
        case drops = "answers of writing calls dropped after the commit"
        case losses = "requests lost before the server saw them"
        case cuts = "cuts of every connection"
        case pauses = "pauses and resumes by the operator"
        case staleMetOwner = "a worker came back when its batch had a new owner"
        case staleRefused = "stale heartbeats and finishes refused"
        case repeatedClaims = "a repeated claim returned the same batch"
        case repeatedEnds = "a repeated finish was told so"
        case plannerDeaths = "a planner died between two pages"
        case stalePlanners = "a stopped planner came back after its successor"
        case takeOvers = "controllers that took over when the lease of another had run out"
        case heirs = "controllers that went on with the lease of a dead one of their host"
        case ends = "attempts that did not complete"
        case batches = "batches completed"

        /// What does not happen to a tracking file, or is not seen there.
        private static let ofServers: Set<Self> = [
            .postgresRestarts, .drops, .losses, .cuts, .repeatedClaims, .repeatedEnds, .takeOvers, .heirs,
        ]
        /// What happens only there.
        private static let ofFiles: Set<Self> = [.killsOfAll]

        static func all(in store: ChaosStore) -> [Self] {
            allCases.filter { !(store == .sqlite ? ofServers : ofFiles).contains($0) }
        }

        /// How many there must be per minute; nil = counted only.
        func perMinute(in store: ChaosStore) -> Double? {
            switch self {
            case .staleRefused where store == .sqlite: 0.5
            case .killsOfAll: 0.5
            case .kills: 3
            case .stops: 1
            case .drops: 10
            case .repeatedClaims, .repeatedEnds: 2
            case .staleMetOwner, .postgresRestarts, .mysqlRestarts: 0.5
            case .plannerDeaths: 0.15
            default: nil
            }
        }

        /// In the line of a job.
        var short: String { String(describing: self) }
    }

    private var counts: [Fault: Int] = [:]

    subscript(fault: Fault) -> Int {
        get { counts[fault, default: 0] }
        set { counts[fault] = newValue }
    }

    static func += (left: inout Self, right: Self) { left.counts.merge(right.counts, uniquingKeysWith: +) }

    var description: String {
        Fault.allCases.filter { self[$0] > 0 }.map { "\($0.short) \(self[$0])" }.joined(separator: ", ")
    }

    func floors(minutes: Double, in store: ChaosStore) -> [(name: String, count: Int, floor: Int)] {
        Fault.all(in: store).compactMap { fault in
            fault.perMinute(in: store).map { (fault.rawValue, self[fault], Int($0 * minutes)) }
        }
    }

    func table(minutes: Double, in store: ChaosStore) -> String {
        Fault.all(in: store).map { fault in
            let floor = fault.perMinute(in: store).map { ", at least \(Int($0 * minutes))" } ?? ""
            return "  \(self[fault]) \(fault.rawValue)\(floor)"
        }.joined(separator: "\n")
    }
}
