import Engine
import Fakes
import Migration
import Settings

/// Four services in memory.
struct DemoWorld {
    static let names = Engine.Names(
        table: "demo.ip_summary",
        collection: "memos",
        idColumn: "id",
        tenantColumn: "member_code",
        contentColumn: "parse_content",
        condition: nil
    )

    let points = FakeQdrant()
    let ports: EnginePorts

    init(
        records: Int,
        time: Time,
        settings: Settings,
        report: @escaping @Sendable (MigrationEvent) -> Void
    ) {
        ports = EnginePorts(
            source: FakeMySQL(rows: SampleTexts.rows(records)),
            store: FakeSupabase(time: time, entropy: Wiring.entropy),
            embedder: FakeOpenAI(dimensions: settings.target.dimensions, model: settings.target.model, time: time),
            points: points,
            time: time,
            entropy: Wiring.entropy,
            report: report
        )
    }
}
