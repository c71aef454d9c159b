import Fakes
import Invariants
import Migration
import Simulation
import TextProcessing

/// I18, for each record by itself: its points say what its row says, and have the lists that were set on them.
extension EndChecks {
    typealias Payloads = [(id: PointID, payload: [String: JSONValue])]

    /// The contract is looked at for one record in so many; which ones, the seed says.
    private static let stride: UInt64 = 16

    func checkPoints(_ payloads: Payloads, of settled: Set<RecordID>) -> String? {
        var chosen: [RecordID: Payloads] = [:]
        for (id, payload) in payloads {
            guard payload["source"]?.string == SimulatedWorld.owner.source,
                let record = payload["summary_id"]?.integer, settled.contains(record),
                !world.watch.hasChanged(record), world.watch.expected(record) != nil
            else { continue }
            if let due = world.watch.lists.expected(record) {
                let lists = payload["collection_ids"]?.list?.compactMap(\.integer) ?? []
                if Set(lists) != due {
                    return "point \(id) of record \(record) has the lists \(lists), not \(due.sorted())"
                }
            }
            if UInt64(bitPattern: record) % Self.stride == world.simulation.seed % Self.stride {
                chosen[record, default: []].append((id, payload))
            }
        }
        for record in chosen.keys.sorted() {
            guard let row = world.source.row(record), case .text(let content) = row.content,
                let memberCode = row.memberCode
            else { continue }
            let contract = RecordContract(id: record, memberCode: memberCode, content: content)
            let points = (chosen[record] ?? []).map(PointContent.init)
            if let finding = contract.finding(points) { return "record \(record): \(finding)" }
        }
        return nil
    }
}

extension PointContent {
    init(_ id: PointID, _ payload: [String: JSONValue]) {
        self.init(id: id)
        type = payload["type"]?.string
        parentIndex = payload["parent_idx"]?.integer
        chunkIndex = payload["chunk_index"]?.integer
        parentID = payload["parent_id"]?.string
        parentText = payload["parent_text"]?.string
        text = payload["text"]?.string
        memberCode = payload["member_code"]?.string
        checksum = payload["checksum"]?.string
    }
}
