import Migration
import Simulation

/// How the ports of a simulated process reach the fakes: each call is one over the simulated network.
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
        let outcome = await world.network.call(name, from: process.node, to: server, timeout: timeout) {
            () async -> Result<Value, PortFailure> in
            do throws(PortFailure) { return .success(try await body()) } catch { return .failure(error) }
        }
        switch outcome {
        case .answered(let result): return try result.get()
        case .unknown: throw PortFailure(.outcomeUnknown, "no answer to \(name)")
        case .cancelled: throw PortFailure(.cancelled, "\(name) was given up")
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
        let source = link.world.source
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
        try await ask("mysql.portions") { source throws(PortFailure) in
            try await source.portions(of: ids, bytesMax: bytesMax)
        }
    }

    func records(_ ids: [RecordID]) async throws(PortFailure) -> [SourceRecord] {
        try await ask("mysql.records") { source throws(PortFailure) in try await source.records(ids) }
    }
}

/// The embedder over the network; what a process is told and sends is watched for I21 and I22.
struct NetworkedEmbedder: Embedder {
    let link: Link

    func embed(_ texts: [String]) async throws(PortFailure) -> Embeddings {
        try await link.embed(texts) { texts throws(PortFailure) in try await send(texts) }
    }

    private func send(_ texts: [String]) async throws(PortFailure) -> Embeddings {
        let world = link.world
        let process = link.process
        world.watch.requestIsSent(texts, by: process)
        do throws(PortFailure) {
            let answer = try await link.ask("openai.embed", at: world.openai, within: .seconds(60)) {
                () async throws(PortFailure) in
                if world.kills(process, with: texts) { throw PortFailure(.unavailable, "the caller is dead") }
                world.watch.textsAreEmbedded(texts, for: process)
                return try await world.embedder.embed(texts)
            }
            world.watch.requestWasAnswered(texts)
            return answer
        } catch {
            world.watch.requestWasRefused(error, to: process)
            throw error
        }
    }
}

/// The collection over the network; writes are watched for I20.
struct NetworkedPoints: PointStore {
    let link: Link

    private func ask<Value: Sendable>(
        _ name: String,
        _ body: @escaping @Sendable (FakeQdrant) async throws(PortFailure) -> Value
    ) async throws(PortFailure) -> Value {
        let points = link.world.points
        return try await link.ask(name, at: link.world.qdrant, within: .seconds(60)) { () async throws(PortFailure) in
            try await body(points)
        }
    }

    func inspect(_ schema: CollectionSchema) async throws(PortFailure) -> CollectionState {
        try await ask("qdrant.inspect") { points throws(PortFailure) in try await points.inspect(schema) }
    }

    func ensure(_ schema: CollectionSchema) async throws(PortFailure) -> CollectionState {
        try await ask("qdrant.ensure") { points throws(PortFailure) in try await points.ensure(schema) }
    }

    func points(of records: [RecordID]) async throws(PortFailure) -> [StoredPoint] {
        try await link.look(for: records) { records throws(PortFailure) in
            try await ask("qdrant.points") { points throws(PortFailure) in try await points.points(of: records) }
        } deleting: { old throws(PortFailure) in
            try await send(deletionOf: old)
        }
    }

    func upsert(_ new: [Point]) async throws(PortFailure) {
        try await link.write(new) { new throws(PortFailure) in try await send(new) }
    }

    func delete(_ old: [StoredPoint]) async throws(PortFailure) {
        try await link.delete(old) { old throws(PortFailure) in try await send(deletionOf: old) }
    }

    private func send(_ new: [Point]) async throws(PortFailure) {
        let world = link.world
        let process = link.process
        world.watch.writeBegins(of: new.map(\.summaryID), by: process)
        try await ask("qdrant.upsert") { points throws(PortFailure) in
            world.watch.writeLands(of: new.map(\.summaryID), by: process)
            try await points.upsert(new)
            world.watch.pointsWereWritten(of: new.map(\.summaryID))
        }
    }

    private func send(deletionOf old: [StoredPoint]) async throws(PortFailure) {
        let world = link.world
        let process = link.process
        world.watch.writeBegins(of: old.map(\.summaryID), by: process)
        try await ask("qdrant.delete") { points throws(PortFailure) in
            world.watch.writeLands(of: old.map(\.summaryID), by: process)
            try await points.delete(old)
            world.watch.pointsWereDeleted(of: old.map(\.summaryID))
        }
    }

    func count(_ kind: PointKind?) async throws(PortFailure) -> Int {
        try await ask("qdrant.count") { points throws(PortFailure) in try await points.count(kind) }
    }

    func search(_ query: HybridQuery) async throws(PortFailure) -> [ScoredPoint] {
        try await ask("qdrant.search") { points throws(PortFailure) in try await points.search(query) }
    }
}
