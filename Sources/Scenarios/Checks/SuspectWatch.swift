import Migration
import Simulation

/// I32: a record is given up for what a service does only after five failures of its own within at least two minutes, each
/// followed by good input that went well.
///
/// It sees what leaves a process and what comes back, and knows nothing of what the process makes of it.
final class SuspectWatch {
    private unowned let simulation: Simulation
    /// By process and service: records of which a single text, point or row has failed since the last good input.
    private var pending: [String: [(record: RecordID, at: Int64)]] = [:]
    /// By process and record: failures that were followed by good input.
    private var confirmed: [String: [Int64]] = [:]

    init(_ simulation: Simulation) { self.simulation = simulation }

    /// A call about one text, point or row has failed.
    func failed(_ record: RecordID, at service: Service, by process: SimulatedProcess) {
        pending["\(process.name) \(service.rawValue)", default: []].append((record, simulation.now))
    }

    /// Good input went well.
    func wentWell(at service: Service, by process: SimulatedProcess) {
        for failure in pending.removeValue(forKey: "\(process.name) \(service.rawValue)") ?? [] {
            confirmed["\(process.name) \(failure.record)", default: []].append(failure.at)
        }
    }

    /// A process reports dead letters.
    func reported(_ letters: [FailedRecord], by process: SimulatedProcess) {
        for letter in letters where !letter.permanent {
            let failures = confirmed["\(process.name) \(letter.recordId)"] ?? []
            // A clock may run too fast by 200 parts of a million.
            let span = Duration.nanoseconds((failures.last ?? 0) - (failures.first ?? 0)) + .milliseconds(100)
            guard failures.count < 5 || span < .seconds(120) else { continue }
            simulation.fail(
                "I32 record \(letter.recordId) is given up by \(process.name) after \(failures.count) failures in \(span)"
            )
        }
    }
}
