import Invariants
import Migration
import Simulation

/// Records in the history of each process what has failed by itself, and what went well: I32.
final class SuspectWatch {
    private unowned let simulation: Simulation

    init(_ simulation: Simulation) { self.simulation = simulation }

    /// A call about one text, point or row has failed.
    func failed(_ record: RecordID, at service: Service, by process: SimulatedProcess) {
        process.suspects.failed(record, at: service, at: simulation.now)
    }

    /// Good input went well.
    func wentWell(at service: Service, by process: SimulatedProcess) { process.suspects.wentWell(at: service) }

    /// A process reports dead letters.
    func reported(_ letters: [FailedRecord], by process: SimulatedProcess) {
        simulation.report(process.suspects.finding(letters, by: process.name))
    }
}

extension Simulation {
    /// Ends the run if something is wrong.
    func report(_ finding: Finding?) {
        if let finding { fail("\(finding)") }
    }
}
