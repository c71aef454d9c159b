import Engine
import Fakes
import Migration
import Testing

/// Every way in which a row can lose its text after it was migrated.
@Suite(.heavy) struct `A row that has lost its text` {
    private static let record = World.rows(6)[3].id

    /// What the row holds afterwards.
    private static let withoutText: [SourceRecord.Content] = [
        .null, .text(""), .text(" "), .text("\t\r\n"), .text("\u{A0}"), .text("\u{3000}\u{3000}"),
        .text("\u{200B}\u{200B}"), .text("\u{FEFF}"), .text("\u{2028}\u{2029}"),
        .text("\u{B}\u{C}"), .text("\u{85}"), .text("Page 3"),
    ]
    /// Short, but a text.
    private static let texts = [".", "\u{2060}", "0", "-", "a", "\u{301}", "Page three", "\u{1F600}", "NULL"]

    private func change(_ content: SourceRecord.Content, in world: World) {
        world.source.put(SourceRecord(id: Self.record, memberCode: "member-0", content: content))
    }

    /// A complete job, and points of the same record id that belong to another table.
    private func complete(_ time: Time) async throws -> World {
        let world = try await World(rows: World.rows(6), time: time)
        try await world.run()
        let theirs = `Joining a job`.point(of: Self.record, source: "shop.orders", namespace: "s")
        try await world.points.upsert([theirs])
        return world
    }

    private func count(_ world: World, _ source: String = World.owner.source) async throws -> Int {
        try await world.points.points(
            of: [Self.record],
            owner: PointOwner(source: source, ownsUnmarked: false)
        ).count
    }

    @Test(arguments: withoutText.indices)
    func `loses its points at the next run, and no other row does`(number: Int) {
        World.virtually { time in
            let world = try await complete(time)
            #expect(try await count(world) == 2)
            change(Self.withoutText[number], in: world)
            let tokens = world.embedder.totals.tokens
            try await world.run()
            #expect(try await count(world) == 0)
            #expect(try await count(world, "shop.orders") == 1)
            #expect(try await world.points.count(nil, owner: World.owner) == 10)
            #expect(world.embedder.totals.tokens == tokens, "nothing is paid for")
        }
    }

    @Test(arguments: withoutText.indices)
    func `is found by verify, which removes its points`(number: Int) {
        World.virtually { time in
            let world = try await complete(time)
            change(Self.withoutText[number], in: world)
            let report = try await world.verify()
            #expect(report.findings.map(\.record) == [Self.record])
            #expect(report.findings.map(\.kind) == [.unexpected])
            #expect(try await world.verify(repairs: true).findings.map(\.isRepaired) == [true])
            #expect(try await count(world) == 0)
            #expect(try await count(world, "shop.orders") == 1)
            #expect(try await world.verify().findings.isEmpty)
        }
    }

    @Test(arguments: texts)
    func `keeps points where a short text is left`(text: String) {
        World.virtually { time in
            let world = try await complete(time)
            change(.text(text), in: world)
            try await world.run()
            #expect(try await count(world) == 2)
            #expect(try await world.verify().findings.isEmpty)
        }
    }
}
