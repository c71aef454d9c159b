import Fakes
import Invariants
import Migration
import Simulation
import TextProcessing

/// What a process may say of a record, and write of it: I18 while it happens.
extension WorldWatch {
    /// A batch is told as completed: what counts as missing was not there when it was read, what counts as skipped was blank.
    func finishIsTold(_ call: FinishBatch, by process: SimulatedProcess) {
        guard call.outcome == .completed else { return }
        let batch = world.store.read { tables in
            tables.index(of: call.job).map { tables.jobs[$0].batches[call.batchNumber].recordIDs } ?? []
        }
        // Its two workers may have had the batch one after the other.
        let uncertain = process.settings.workers > 1 ? records.changed : []
        report(process.traffic.miscount(in: call, of: batch, by: process.name, uncertain: uncertain))
    }

    /// Points are sent with the lists that their own record had when the process last looked, which is just before it writes.
    func listsAreSent(_ points: [Point], by process: SimulatedProcess) {
        report(process.traffic.wrongLists(of: points, by: process.name, workers: process.settings.workers))
    }

    /// Points arrive: a child after its parent, so that it never points to nothing.
    func pointsLand(_ points: [Point], from process: SimulatedProcess) {
        let collection = world.points
        report(
            process.traffic.orphan(among: points, by: process.name, changed: records.changed) { id, checksum in
                collection.all([id]) { $0["checksum"]?.string == checksum }
            }
        )
    }
}
