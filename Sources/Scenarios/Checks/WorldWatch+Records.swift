import Fakes
import Invariants
import Migration
import Simulation
import TextProcessing

/// What a process may report about a record and write for it: I18 while it happens.
extension WorldWatch {
    /// A process reports a batch as completed: rows that count as missing did not exist when they were read, and rows
    /// that count as skipped were blank.
    func finishIsTold(_ call: FinishBatch, by process: SimulatedProcess) {
        guard call.outcome == .completed else { return }
        let batch = world.store.read { tables in
            tables.index(of: call.job).map { tables.jobs[$0].batches[call.batchNumber].recordIDs } ?? []
        }
        // Its two workers may have had the batch one after the other.
        let uncertain = process.settings.workers > 1 ? records.changed : []
        report(process.traffic.miscount(in: call, of: batch, by: process.name, uncertain: uncertain))
    }

    /// Points are sent with the lists that their record had when the process last looked, just before it writes.
    func listsAreSent(_ points: [Point], by process: SimulatedProcess) {
        report(process.traffic.wrongLists(of: points, by: process.name, workers: process.settings.workers))
    }

    /// Points arrive: a parent before its children, so that no child points to nothing.
    func pointsLand(_ points: [Point], from process: SimulatedProcess) {
        let collection = world.points
        report(
            process.traffic.orphan(among: points, by: process.name, changed: records.changed) { id, checksum in
                collection.all([id]) { $0["checksum"]?.string == checksum }
            }
        )
    }
}
