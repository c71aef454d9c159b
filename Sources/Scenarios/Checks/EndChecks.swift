import Fakes
import Invariants
import Migration
import Simulation
import TextProcessing

/// The state of all four fakes at the end of a run: I1–I19 and I29, and that each planned record has exactly one
/// outcome.
struct EndChecks {
    let world: SimulatedWorld

    init(_ world: SimulatedWorld) { self.world = world }

    func run() {
        let tables = tables
        if let first = tables.violations().first { return world.simulation.fail("\(first)") }
        let evidence = evidence(tables)
        world.simulation.report(evidence.wrongRecord ?? evidence.wrongPoint ?? evidence.wrongVector)
        world.simulation.report(evidence.changedNeighbour)
        if let finding = evidence.changedForeign ?? evidence.countedTooOften { return world.simulation.report(finding) }
        Observations(tables, world).count()
    }

    private var tables: TrackingEvidence {
        var evidence = world.store.evidence(calls: world.calls.calls)
        evidence.slack = slack
        return evidence
    }

    /// The invariants of the store that are broken now, except the one that is known already.
    func others(than finding: String) -> String? {
        let names = Set(tables.violations().map(\.invariant.description)).filter { !finding.hasPrefix($0 + " ") }
        return names.isEmpty ? nil : "(also \(names.sorted().joined(separator: ", ")))"
    }

    /// While calls overlap, time passes between a call's decision and its event.
    private var slack: Duration { world.plan.has(.interleaving) ? .seconds(3) : .zero }
}

// MARK: - What there is

extension EndChecks {
    /// The contract is checked for one record in this many; the seed decides which ones.
    private static let stride: UInt64 = 16

    private func evidence(_ tables: TrackingEvidence) -> RecordEvidence {
        let payloads = world.points.payloads
        let records = world.watch.records
        let points = payloads.map(PointEvidence.init)
        var evidence = RecordEvidence(
            of: tables,
            records,
            world.watch.lists,
            rows: world.source.snapshot,
            points: points,
            source: SimulatedWorld.owner.source
        )
        evidence.limits = world.limits
        evidence.incomplete = Set(records.shapes.keys.filter { !world.watch.isComplete($0) })
        evidence.defects = world.defects.mapValues { RecordEvidence.Defect("\($0)", isOfRow: $0 == .row) }
        evidence.refusedWord = Workload.refusedWord
        evidence.refusalCode = ServiceFaults.refusalCode
        evidence.older = Set((world.older + world.unmarked).map(\.id))
        evidence.foreign = world.others.map { point in
            RecordEvidence.Foreign(
                id: point.id,
                record: point.record,
                source: point.source,
                isAsItWas: world.points.all([point.id]) { $0 == point.payload }
            )
        }
        evidence.neighbours = world.neighbours
        evidence.neighbourSource = SimulatedWorld.neighbour.source
        evidence.neighbourList = SimulatedWorld.neighbourList
        for place in payloads.indices {
            guard let record = points[place].record, isLookedAt(record) else { continue }
            evidence.contents.append((place, PointContent(payloads[place].id, payloads[place].payload)))
        }
        let words = WordVectors(dimensions: SimulatedWorld.dimensions)
        evidence.vectors = world.points.vectors(oneOf: 4, at: Int(world.simulation.seed % 4)).map { point in
            RecordEvidence.Vector(of: point.id, point.vector, due: words.vector(of: point.text))
        }
        // The requests that this mistake invents are not billed.
        evidence.billed = world.portBug == .blamesWithoutAProbe ? nil : Int64(world.embedder.totals.tokens)
        return evidence
    }

    private func isLookedAt(_ record: RecordID) -> Bool {
        UInt64(bitPattern: record) % Self.stride == world.simulation.seed % Self.stride
    }
}

extension PointEvidence {
    init(_ id: PointID, _ payload: [String: JSONValue]) {
        self.init(
            id: id,
            source: payload["source"]?.string,
            record: payload["summary_id"]?.integer,
            checksum: payload["checksum"]?.string,
            lists: payload["collection_ids"]?.list?.map { $0.integer ?? .min } ?? []
        )
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
