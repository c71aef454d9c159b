import Testing

/// The slips that break determinism, layering or memory safety and about which the compiler is silent.
///
/// A rule is a pattern within the code of some folders, without comments and the insides of strings. Exceptions stand
/// beside the rule, by file, with the reason.
struct TidyRule: Sendable, CustomTestStringConvertible {
    /// What is banned, as the message names it.
    let banned: String
    /// A plain text that every hit contains, so that little is searched; nil = none.
    var needle: String?
    /// A regular expression for one line of code.
    let pattern: String
    /// A line with this is no hit.
    var unless: String?
    /// What to do instead.
    let instead: String
    /// Folders or files the rule is about.
    let scope: [String]
    /// Folders within them that it is not about.
    var outside: [String] = []
    /// Files that may do it, and why.
    var exceptions: [String: String] = [:]
    /// A line that breaks the rule.
    let example: String

    var testDescription: String { "\(banned) in \(scope.joined(separator: ", "))" }

    /// Whether a file is to keep this rule.
    func concerns(_ path: String) -> Bool {
        let isInScope = scope.contains { path == $0 || path.hasPrefix($0 + "/") }
        return isInScope && !outside.contains { path.hasPrefix($0 + "/") } && exceptions[path] == nil
    }

    /// One message per line that breaks the rule: `path:line: X is banned here, use Y`.
    func violations(in path: String, code: [Substring]) throws -> [String] {
        guard concerns(path) else { return [] }
        var messages: [String] = []
        // Simple boundaries, as everywhere else: by default `Task.sleep` is one word.
        let regex = try Regex(pattern).wordBoundaryKind(.simple)
        for (index, line) in code.enumerated() {
            if let needle, !line.contains(needle) { continue }
            if let unless, line.contains(unless) { continue }
            if line.contains(regex) {
                messages.append("\(path):\(index + 1): \(banned) is banned here, use \(instead)")
            }
        }
        return messages
    }
}

extension TidyRule {
    private static let simulated = [
        "Sources/Engine", "Sources/Migration", "Sources/TextProcessing", "Sources/Fakes", "Sources/Invariants",
        "Sources/Scenarios",
    ]
    /// What is linked into `migrate`.
    private static let production = [
        "Sources/Adapters", "Sources/Basics", "Sources/Engine", "Sources/Fakes", "Sources/Migration",
        "Sources/Settings", "Sources/Terminal", "Sources/TextProcessing", "Sources/migrate",
    ]
    private static let everywhere = ["Sources", "Tests", "Package.swift"]

    static let all: [TidyRule] = deterministic + pure + layered + safe

    /// A rule of all that runs under simulation.
    private static func simulated(_ banned: String, _ pattern: String, use instead: String, example: String) -> Self {
        Self(
            banned: banned,
            needle: String(banned.split(whereSeparator: { !$0.isLetter && $0 != "_" }).last ?? ""),
            pattern: pattern,
            instead: instead,
            scope: simulated,
            example: example
        )
    }

    private static let deterministic: [TidyRule] = [
        simulated("Task {", #"\bTask\s*(\([^)]*\)\s*)?\{"#, use: "a task group", example: "Task { await run() }"),
        simulated("Task.detached", #"\bTask\.detached\b"#, use: "a task group", example: "Task.detached { }"),
        TidyRule(
            banned: "Task.sleep without a clock",
            needle: "Task.sleep",
            pattern: #"\bTask\.sleep\b"#,
            unless: "clock:",
            instead: "Time.sleep(for:)",
            scope: simulated,
            example: "try await Task.sleep(for: .seconds(1))"
        ),
        simulated("ContinuousClock", #"\bContinuousClock\b"#, use: "the injected Time", example: "ContinuousClock.now"),
        simulated("SuspendingClock", #"\bSuspendingClock\b"#, use: "the injected Time", example: "SuspendingClock()"),
        simulated("Date(", #"\bDate\("#, use: "the injected Time", example: "let now = Date()"),
        simulated("clock_gettime", #"\bclock_gettime\b"#, use: "the injected Time", example: "clock_gettime(0, &t)"),
        simulated("ProcessInfo", #"\bProcessInfo\b"#, use: "a parameter", example: "ProcessInfo.processInfo.hostName"),
        simulated("getenv", #"\bgetenv\b"#, use: "Settings, read once by the program", example: #"getenv("HOME")"#),
        simulated("UUID(", #"\bUUID\("#, use: "Entropy.uuid()", example: "let id = UUID()"),
        TidyRule(
            banned: ".random( without using:",
            needle: ".random(",
            pattern: #"\.random\("#,
            unless: "using:",
            instead: "Entropy",
            scope: simulated,
            example: "Int.random(in: 0..<9)"
        ),
        simulated(".shuffled()", #"\.shuffled\(\)"#, use: "Entropy", example: "ids.shuffled()"),
        simulated(".randomElement()", #"\.randomElement\(\)"#, use: "Entropy", example: "ids.randomElement()"),
        simulated(
            "SystemRandomNumberGenerator",
            #"\bSystemRandomNumberGenerator\b"#,
            use: "Entropy",
            example: "var chance = SystemRandomNumberGenerator()"
        ),
        simulated("DispatchQueue", #"\bDispatchQueue\b"#, use: "a task group", example: "DispatchQueue.global()"),
        simulated("import Dispatch", #"\bimport Dispatch\b"#, use: "Swift concurrency", example: "import Dispatch"),
        simulated("Thread", #"\bThread[.(]"#, use: "a task group", example: "Thread.sleep(forTimeInterval: 1)"),
        simulated("URLSession", #"\bURLSession\b"#, use: "a port", example: "URLSession.shared"),
        simulated("@MainActor", #"@MainActor\b"#, use: "a plain actor", example: "@MainActor func show() {}"),
        simulated("print(", #"(^|[^.\w])print\("#, use: "an event or a returned value", example: "print(batch)"),
        TidyRule(
            banned: "a loop over an unsorted Dictionary or Set",
            needle: "for ",
            pattern: #"\bfor\b.*\bin (Set\(.*\)|[\w.\[\]?]+\.(keys|values)) *(where\b.*)?\{"#,
            unless: ".sorted",
            instead: "an array or sorted keys",
            scope: simulated,
            exceptions: [
                "Sources/Fakes/FakeQdrant/QdrantCollection.swift": "an index over all fields: each is changed alone",
                "Sources/Fakes/FakeQdrant/QdrantQuery.swift": "counts, whose order does not matter",
            ],
            example: "for (id, row) in rows.values {"
        ),
    ]

    private static let pure: [TidyRule] = [
        TidyRule(
            banned: "async",
            needle: "async",
            pattern: #"\basync\b"#,
            instead: "a value that decides, and Engine to wait",
            scope: ["Sources/Migration/Core", "Sources/TextProcessing"],
            example: "func decide() async {}"
        ),
        TidyRule(
            banned: "await",
            needle: "await",
            pattern: #"\bawait\b"#,
            instead: "a value that decides, and Engine to wait",
            scope: ["Sources/Migration/Core", "Sources/TextProcessing"],
            example: "let row = await read()"
        ),
        TidyRule(
            banned: "import Foundation",
            needle: "Foundation",
            pattern: #"\bimport Foundation\w*"#,
            instead: "the standard library",
            scope: ["Sources/Migration/Core"],
            example: "import FoundationEssentials"
        ),
        TidyRule(
            banned: "Foundation with its 35 MB of tables",
            needle: "Foundation",
            pattern: #"\bimport (\w+ )?Foundation(Internationalization|Networking|XML)?\b"#,
            instead: "FoundationEssentials, Glibc or Basics",
            scope: production,
            example: "package import Foundation"
        ),
    ]

    /// A module that only some folders may import.
    private static func module(_ name: String, onlyIn rooms: [String]) -> Self {
        Self(
            banned: "import \(name)",
            needle: name,
            pattern: #"\bimport \#(name)\b"#,
            instead: rooms.isEmpty ? "Adapters/HTTP" : "what \(rooms[0]) offers",
            scope: everywhere,
            outside: rooms,
            example: "import \(name)"
        )
    }

    private static let layered: [TidyRule] = [
        module("CCurl", onlyIn: ["Sources/Adapters/HTTP"]),
        module("CMariaDB", onlyIn: ["Sources/Adapters/MySQL", "Tests/Integration"]),
        module("CPostgres", onlyIn: ["Sources/Adapters/Postgres", "Tests/Integration"]),
        module("CTrackingSQL", onlyIn: ["Sources/Adapters/Postgres", "Sources/Adapters/SQLite"]),
        module("CNoICU", onlyIn: ["Sources/Adapters/SQLite"]),
        module("GRDB", onlyIn: ["Sources/Adapters/SQLite"]),
        module("CSimulation", onlyIn: ["Sources/Simulation"]),
        module("FlyingFox", onlyIn: ["Sources/ServedFakes", "Tests"]),
        module("FlyingSocks", onlyIn: ["Sources/ServedFakes", "Tests"]),
        module("AsyncHTTPClient", onlyIn: []),
        TidyRule(
            banned: "import of Adapters or SQLite",
            needle: "import ",
            pattern: #"\bimport (Adapters|SQLite)\b"#,
            instead: "what Wiring.swift offers",
            scope: ["Sources"],
            exceptions: ["Sources/migrate/Wiring.swift": "joins the concrete adapters"],
            example: "import Adapters"
        ),
        TidyRule(
            banned: "a vendor's name",
            pattern: #"(?i)(MySQL|MariaDB|Qdrant|OpenAI|Supabase|PostgREST|Postgre|Curl)\w*"#,
            instead: "the port",
            scope: ["Sources/Engine", "Sources/Migration"],
            example: "let store: QdrantPointStore"
        ),
    ]

    private static let confined = "confined to the simulation's thread, which `Simulation.submit` checks"

    private static let safe: [TidyRule] = [
        TidyRule(
            banned: "@unchecked Sendable",
            needle: "@unchecked",
            pattern: #"@unchecked\s+Sendable\b"#,
            instead: "a Mutex, an actor or a value; or name the file and the reason in TidyRules.swift",
            scope: everywhere,
            exceptions: [
                "Sources/Basics/ThreadExecutor.swift": "a thread's queue behind its own lock and condition",
                "Sources/Scenarios/Scenario.swift": confined,
                "Sources/Scenarios/Faults/ServiceFaults.swift": confined,
                "Sources/Scenarios/World/SimEntropy.swift": confined,
                "Sources/Scenarios/World/SimulatedProcess.swift": confined,
                "Sources/Scenarios/World/SimulatedWorld.swift": confined,
                "Sources/Simulation/SimNetwork.swift": confined,
                "Sources/Simulation/SimTimer.swift": confined,
                "Sources/Simulation/Simulation.swift": confined,
                "Tests/Unit/Simulation/SimulationTests.swift": confined,
                "Sources/TextProcessing/Tokens/BytePairVocabulary.swift": "memory written only in the initialiser",
                "Sources/TextProcessing/ScalarTable.swift": "memory written only in the initialiser",
                "Sources/TextProcessing/Tokens/TableMemory.swift":
                    "used only by the initialisers of a tokenizer's tables",
                "Sources/TextProcessing/Tokens/WholeScalars.swift": "memory written only in the initialiser",
            ],
            example: "final class Box: @unchecked Sendable {"
        ),
        TidyRule(
            banned: "nonisolated(unsafe)",
            needle: "nonisolated(unsafe)",
            pattern: #"nonisolated\(unsafe\)"#,
            instead: "a Mutex or an actor; or name the file and the reason in TidyRules.swift",
            scope: everywhere,
            exceptions: ["Sources/Adapters/HTTP/CurlLine.swift": "libcurl allows curl_multi_wakeup from any thread"],
            example: "nonisolated(unsafe) var count = 0"
        ),
        TidyRule(
            banned: "try!",
            needle: "try!",
            pattern: #"\btry!"#,
            instead: "try",
            scope: everywhere,
            example: "let page = try! read()"
        ),
        TidyRule(
            banned: "fatalError without a reason",
            needle: "fatalError()",
            pattern: #"\bfatalError\(\)"#,
            instead: "preconditionFailure with a sentence",
            scope: everywhere,
            example: "default: fatalError()"
        ),
        TidyRule(
            banned: "sleep(",
            needle: "sleep(",
            pattern: #"\bsleep\("#,
            unless: "func sleep(",
            instead: "a clock moved by hand, or a signal",
            scope: ["Tests"],
            exceptions: [
                "Tests/Unit/Engine/World.swift": "the clock of these tests, faster than the wall",
                "Tests/Unit/Engine/Runner/LeaseTests.swift": "an embedder slower than a lease on that clock",
                "Tests/Unit/Engine/Runner/ProtocolTests.swift": "outages and moments on that clock",
                "Tests/Unit/Engine/Runner/EnduranceTests.swift": "minutes on that clock",
                "Tests/Unit/Engine/Runner/SharedLimitsTests.swift": "an outage on that clock",
                "Tests/Unit/Engine/Batch/SuspectTests.swift": "an outage and a look now and then on that clock",
                "Tests/Unit/Engine/Batch/PartsTests.swift": "an embedder that hangs on that clock",
                "Tests/Unit/Engine/Batch/EqualTextsTests.swift": "virtual time",
                "Tests/Unit/Simulation/SimulationTests.swift": "virtual time",
                "Tests/Unit/Engine/Runner/ControllerLeaseTests.swift": "virtual time",
                "Tests/Unit/Engine/Runner/JobBrakeTests.swift": "virtual time",
                "Tests/Unit/Engine/Batch/UnwritablePointTests.swift": "virtual time",
                "Tests/Unit/Engine/Runner/RunnerReportTests.swift": "virtual time",
                "Tests/Unit/CommandLine/CommandLineClosingTests.swift": "a lease of one second that runs out",
                "Tests/Integration/CommandLine/Terminal.swift": "a real process, between one key and the next",
                "Tests/Unit/Engine/Runner/LeftClaimsTests.swift": "a lease that runs out on that clock",
                "Tests/Integration/Chaos/Fleet.swift": "real processes and servers, between one fault and the next",
                "Tests/Unit/SQLite/SQLiteWorker.swift": "real processes, which hold what they have claimed",
                "Tests/Integration/WholeJob/Stage.swift": "asks a real database again until something is so",
                "Tests/Integration/Tracking/Pooler/PoolerStage.swift": "asks a real database until something is so",
                "Tests/Integration/Tracking/Pooler/PoolerTrial.swift": "a real pooler, between a fault and its end",
            ],
            example: "try await Task.sleep(for: .seconds(1))"
        ),
    ]
}
