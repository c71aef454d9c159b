import Fakes
import Invariants
import Migration
import Simulation
import Synchronization
import TextProcessing

/// Connects the ports of a simulated process to the fakes: each call goes over the simulated network.
struct Link: Sendable {
    let world: SimulatedWorld
    let process: SimulatedProcess

    /// Calls a fake on its own node.
    func ask<Value: Sendable>(
        _ name: String,
        at server: SimNode,
        within timeout: Duration,
        _ body: @escaping @Sendable () async throws(PortFailure) -> Value
    ) async throws(PortFailure) -> Value {
        let answer = Mutex<Result<Value, PortFailure>?>(nil)
        let ending = await world.network.call(name, from: process.node, to: server, timeout: timeout) {
            let given: Result<Value, PortFailure>
            do throws(PortFailure) { given = .success(try await body()) } catch { given = .failure(error) }
            return { answer.withLock { $0 = given } }
        }
        switch (ending, answer.withLock { $0 }) {
        case (.answered, let answer?): return try answer.get()
        case (.cancelled, _): throw PortFailure(.cancelled, "\(name) was given up")
        case (.unknown, _), (.answered, nil): throw PortFailure(.outcomeUnknown, "no answer to \(name)")
        }
    }
}

/// The source table over the network.
struct NetworkedSource: RecordSource {
    let link: Link

    private func ask<Value: Sendable>(
        _ name: String,
        _ body: @escaping @Sendable (FakeMySQL) async throws(PortFailure) -> Value
    ) async throws(PortFailure) -> Value {
        let source = link.source
        return try await link.ask(name, at: link.world.mysql, within: .seconds(30)) { () async throws(PortFailure) in
            try await body(source)
        }
    }

    func highestID() async throws(PortFailure) -> RecordID? {
        try await ask("mysql.highest_id") { source throws(PortFailure) in try await source.highestID() }
    }

    func count(through upper: RecordID) async throws(PortFailure) -> Int64 {
        try await ask("mysql.count") { source throws(PortFailure) in try await source.count(through: upper) }
    }

    func ids(after cursor: RecordID?, through upper: RecordID, limit: Int) async throws(PortFailure) -> [RecordID] {
        let ids = try await ask("mysql.ids") { source throws(PortFailure) in
            try await source.ids(after: cursor, through: upper, limit: limit)
        }
        link.process.readsPlan = true
        return ids
    }

    func portions(of ids: [RecordID], bytesMax: Int) async throws(PortFailure) -> [[RecordID]] {
        let portions = try await ask("mysql.portions") { source throws(PortFailure) in
            try await source.portions(of: ids, bytesMax: bytesMax)
        }
        link.process.traffic.wasCut(into: portions)
        if portions.count > 1 { link.world.coverage.add(.severalPortions) }
        return portions
    }

    func records(_ ids: [RecordID]) async throws(PortFailure) -> [SourceRecord] {
        let suspects = link.world.watch.suspects
        do throws(PortFailure) {
            let rows = try await link.read(ids) { ids throws(PortFailure) in
                try await ask("mysql.records") { source throws(PortFailure) in try await source.records(ids) }
            }
            if !rows.isEmpty { suspects.wentWell(at: .source, by: link.process) }
            link.process.traffic.wasRead(ids, rows)
            return rows
        } catch {
            if ids.count == 1 { suspects.failed(ids[0], at: .source, by: link.process) }
            throw error
        }
    }
}

/// The embedder over the network; what a process is told and sends is watched for I21 and I22.
struct NetworkedEmbedder: Embedder {
    let link: Link

    func embed(_ texts: [String], within limit: Duration?) async throws(PortFailure) -> Embeddings {
        try await link.embed(texts) { texts throws(PortFailure) in try await send(texts, within: limit) }
    }

    private func send(_ texts: [String], within limit: Duration?) async throws(PortFailure) -> Embeddings {
        let world = link.world
        let process = link.process
        world.watch.requestIsSent(texts, by: process)
        do throws(PortFailure) {
            let answer = try await link.ask(
                "openai.embed",
                at: world.openai,
                within: min(limit ?? .seconds(60), .seconds(60))
            ) {
                () async throws(PortFailure) in
                if world.kills(process, with: texts) { throw PortFailure(.unavailable, "the caller is dead") }
                return try await world.embedder.embed(texts)
            }
            if process.traffic.wasEmbedded(texts, world.watch.owner) { world.coverage.add(.recordOverRequests) }
            world.watch.suspects.wentWell(at: .embedder, by: process)
            return answer
        } catch {
            world.watch.requestWasRefused(error, to: process)
            if texts.count == 1 {
                for record in world.watch.records.owners(of: texts[0]) {
                    world.watch.suspects.failed(record, at: .embedder, by: process)
                }
            }
            throw error
        }
    }
}

/// The collection over the network; writes are watched for I20.
struct NetworkedPoints: PointStore {
    let link: Link

    private func ask<Value: Sendable>(
        _ name: String,
        within limit: Duration? = nil,
        _ body: @escaping @Sendable (FakeQdrant) async throws(PortFailure) -> Value
    ) async throws(PortFailure) -> Value {
        let points = link.points
        let timeout = min(limit ?? .seconds(60), .seconds(60))
        return try await link.ask(name, at: link.world.qdrant, within: timeout) { () async throws(PortFailure) in
            try await body(points)
        }
    }

    func inspect(_ schema: CollectionSchema) async throws(PortFailure) -> CollectionState {
        try await ask("qdrant.inspect") { points throws(PortFailure) in try await points.inspect(schema) }
    }

    func ensure(_ schema: CollectionSchema) async throws(PortFailure) -> CollectionState {
        try await ask("qdrant.ensure") { points throws(PortFailure) in try await points.ensure(schema) }
    }

    func points(of records: [RecordID], owner: PointOwner) async throws(PortFailure) -> [StoredPoint] {
        let began = link.world.simulation.now
        let found = try await link.look(for: records) { records throws(PortFailure) in
            try await ask("qdrant.points") { points throws(PortFailure) in
                try await points.points(of: records, owner: owner)
            }
        } deleting: { old throws(PortFailure) in
            try await send(deletionOf: old)
        }
        link.process.traffic.hasLooked(at: records, found, since: began)
        return found
    }

    func contents(of ids: [PointID]) async throws(PortFailure) -> [PointContents] {
        try await ask("qdrant.contents") { points throws(PortFailure) in try await points.contents(of: ids) }
    }

    func upsert(_ new: [Point], within limit: Duration?) async throws(PortFailure) {
        try await link.write(new) { new throws(PortFailure) in try await send(new, within: limit) }
    }

    func probe() async throws(PortFailure) {
        try await link.probe { () async throws(PortFailure) in
            link.process.deeds.writeFailedAt = link.world.simulation.now
            try await ask("qdrant.probe") { points throws(PortFailure) in try await points.probe() }
            link.process.deeds.writeFailedAt = nil
            link.world.watch.suspects.wentWell(at: .points, by: link.process)
        }
    }

    func delete(_ old: [StoredPoint]) async throws(PortFailure) {
        try await link.delete(old) { old throws(PortFailure) in try await send(deletionOf: old) }
    }

    private func send(_ new: [Point], within limit: Duration?) async throws(PortFailure) {
        let world = link.world
        let process = link.process
        world.watch.writeBegins(of: new.map(\.recordID), by: process)
        world.watch.listsAreSent(new, by: process)
        link.checkKept(new)
        let looks = process.traffic.looks(at: new)
        let sent = world.simulation.now
        await world.freezeBeforeSending(process, 0.01)
        do throws(PortFailure) {
            try await ask("qdrant.upsert", within: limit) { points throws(PortFailure) in
                world.watch.writeLands(of: new.map(\.recordID), by: process)
                world.watch.pointsLand(new, from: process)
                // Its last request may be applied long after the first.
                defer { world.watch.lists.landed(looks) }
                do throws(PortFailure) {
                    try await points.upsert(new)
                } catch {
                    // Points before a refused one may have been written all the same.
                    world.watch.pointsWereWritten(new.filter(world.watch.isThere))
                    throw error
                }
                world.watch.pointsWereWritten(new)
            }
            world.watch.suspects.wentWell(at: .points, by: process)
            process.traffic.hasWritten(new)
            if world.portBug == .keepsAfterTheWrite { await link.keepLate() }
            world.watch.wrote(new.map(\.recordID), by: process, at: sent)
        } catch {
            world.watch.writeWasRefused(error, to: process)
            process.traffic.hasFailed(toWrite: new)
            if error.kind == .rejected, error.code == "400" { world.coverage.add(.pointRefused) }
            if new.count == 1 { world.watch.suspects.failed(new[0].recordID, at: .points, by: process) }
            throw error
        }
    }

    func send(deletionOf old: [StoredPoint]) async throws(PortFailure) {
        let world = link.world
        let process = link.process
        world.watch.writeBegins(of: old.map(\.recordID), by: process)
        let sent = world.simulation.now
        await world.freezeBeforeSending(process, 0.01)
        do throws(PortFailure) {
            try await ask("qdrant.delete") { points throws(PortFailure) in
                world.watch.writeLands(of: old.map(\.recordID), by: process)
                try await points.delete(old)
                world.watch.pointsWereDeleted(old)
            }
            world.watch.wrote(old.map(\.recordID), by: process, at: sent)
        } catch {
            process.deeds.writeFailedAt = world.simulation.now
            if let first = old.first, old.allSatisfy({ $0.recordID == first.recordID }) {
                world.watch.suspects.failed(first.recordID, at: .points, by: process)
            }
            throw error
        }
    }

    func mark(_ unmarked: [StoredPoint], source: String) async throws(PortFailure) {
        let world = link.world
        let process = link.process
        let records = unmarked.map(\.recordID)
        if world.portBug == .marksNothing { return }
        world.watch.writeBegins(of: records, by: process)
        process.deeds.writeFailedAt = world.simulation.now
        try await ask("qdrant.mark") { points throws(PortFailure) in
            world.watch.writeLands(of: records, by: process)
            try await points.mark(unmarked, source: source)
            world.coverage.add(.pointsMarked)
        }
        process.deeds.writeFailedAt = nil
    }

    func count(_ kind: PointKind?, owner: PointOwner?) async throws(PortFailure) -> Int {
        try await ask("qdrant.count") { points throws(PortFailure) in try await points.count(kind, owner: owner) }
    }

    func sources(besides source: String) async throws(PortFailure) -> SourcesPresent {
        try await ask("qdrant.sources") { points throws(PortFailure) in try await points.sources(besides: source) }
    }

    func sample(of source: String?, _ limit: Int) async throws(PortFailure) -> [StoredPoint] {
        try await ask("qdrant.sample") { points throws(PortFailure) in
            try await points.sample(of: source, limit)
        }
    }

    func search(_ query: HybridQuery) async throws(PortFailure) -> [ScoredPoint] {
        try await ask("qdrant.search") { points throws(PortFailure) in try await points.search(query) }
    }
}
