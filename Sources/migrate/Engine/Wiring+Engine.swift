import Engine
import FoundationEssentials
import Logging
import Migration
import Settings
import Terminal

/// What follows from the settings, for any adapters.
extension Wiring {
    /// Finds the job of a command.
    var lookup: JobLookup {
        let collection = settings.target.collection
        return settings.text.sourceName.map {
            JobLookup(target: Engine.Names.targetKey(source: $0, collection: collection))
        } ?? JobLookup(table: settings.table, collection: collection)
    }

    func names(where condition: String?) throws -> Engine.Names {
        guard let mysql = settings.mysql else { throw Self.notAsked("MySQL") }
        return Engine.Names(
            table: settings.table,
            collection: settings.target.collection,
            idColumn: mysql.idColumn,
            tenantColumn: mysql.tenantColumn,
            contentColumn: mysql.contentColumn,
            condition: condition,
            sourceName: settings.text.sourceName
        )
    }

    var shaping: PointShaping {
        get throws {
            try PointShaping(
                tokenizer: Vocabulary.tokenizer(settings),
                target: settings.target,
                text: settings.text
            )
        }
    }

    /// Everything that a job needs; without OpenAI's settings its embedder refuses to embed.
    func engine(
        where condition: String?,
        report: @escaping @Sendable (MigrationEvent) -> Void
    ) async throws -> Engine {
        let ports = EnginePorts(
            source: try source(where: condition),
            store: try await store(),
            embedder: settings.openai == nil ? AbsentEmbedder() : try embedder(),
            cache: cache(),
            points: try points(),
            journal: journal,
            time: time,
            entropy: Self.entropy,
            report: report
        )
        return try Engine(
            ports: ports,
            limits: Self.requestLimits,
            pointsPerWrite: Self.pointsPerWrite,
            tokenizer: Vocabulary.tokenizer(settings),
            names: names(where: condition),
            target: settings.target,
            work: settings.work,
            text: settings.text,
            runner: Self.processName,
            servers: JobServers(settings),
            quota: quotaName
        )
    }

    /// The folder for notes on this host; nil if there is no home directory.
    var stateFolder: String? {
        StateFolder(named: settings.stateFolder, environment: ProcessInfo.processInfo.environment).path
    }

    func monitor(_ console: Console, isJSON: Bool) -> RunMonitor {
        RunMonitor(console: console, isJSON: isJSON, time: time, log: EventLog(logger: logger))
    }

    /// Logs to standard error; standard output is only for answers.
    var logger: Logger {
        var logger = Logger(label: "migrate") { ConsoleLog(label: $0, console: .standard) }
        logger.logLevel = Logger.Level(rawValue: settings.logLevel) ?? .warning
        return logger
    }

    /// The name of this process in reports: host and process id.
    static var processName: String {
        "\(ProcessInfo.processInfo.hostName):\(ProcessInfo.processInfo.processIdentifier)"
    }
}
