import Foundation

/// The commands that the pages show.
enum PageCommands {
    /// A command as it stands on a page, with what it takes to run it in a test.
    struct Step: Sendable {
        /// As the page shows it, without the comment behind it.
        let shown: String
        /// What the shell gets: with numbers for placeholders, answers to questions, and fewer seeds.
        let typed: String
        let status: Int32
        /// A part of what it must print; nil = any.
        let says: String?

        init(_ shown: String, as typed: String? = nil, exit status: Int32 = 0, says: String? = nil) {
            self.shown = shown
            self.typed = typed ?? shown
            self.status = status
            self.says = says
        }
    }

    /// Those that no test can run, with the reason.
    static let notRun: [String: String] = {
        let build = "builds the package: these tests are what was built"
        let suites = "runs test suites, among them this one"
        let install = "installs packages on the machine; `make test` begins with it"
        let minutes = "takes minutes or more, with a build of its own"
        let docker = "needs Docker"
        let serves = "serves until it is stopped; `Faults from outside` and `Official Python clients` do what it does"
        return [
            "migrate-lab serve-fakes": serves, "swift build --build-tests": build, "make release": build,
            "swift test": suites, "swift test --skip-build --filter '^Unit\\.'": suites,
            "swift test --skip-build --filter WriteBreakerTests": suites,
            "swift test --skip-build --filter ScenarioTests": suites,
            "swift test --skip-build --filter 'Settings|CommandLine'": suites,
            "swift test --skip-build --filter 'Tracking|Supabase|Fakes|Contract'": suites,
            "swift test --skip-build --filter 'ScenarioTests|CoverageTests'": suites,
            "swift test --skip-build --filter Page --filter Guarantees --filter SettingsDocument --filter Words":
                suites,
            "scripts/test --filter TrackingConformanceTests": suites, "scripts/test --filter Tracking": suites,
            "make test": suites, "make integration": suites, "bash .ci/run": suites,
            "scripts/setup": install, "scripts/setup --build": install,
            "make quickstart": minutes, "make demo": minutes, "make simulate": minutes, "make chaos": minutes,
            "make chaos MINUTES=3": minutes,
            "MIGRATE_CHAOS_ONLY=1 MIGRATE_TEST_SEED=1724 make chaos": minutes,
            "make chaos STORE=sqlite": minutes,
            "MIGRATE_TEST_SEED=N MIGRATE_CHAOS_ONLY=1 make chaos MINUTES=1": minutes,
            "make first-run": minutes, "make first-run-http": minutes, "make bench": minutes,
            "scripts/bench-tracking deletion": minutes, "scripts/bench-tracking requeue": minutes,
            "make sanitize": minutes, "make fuzz": minutes,
            "make lint": "the second half of `.ci/run`", "swift format format -i FILE…": "changes the sources",
            "make integration-docker": docker, "docker run --env-file": docker,
            "docker run --stop-timeout 35": docker,
        ]
    }()

    /// A hunt for a planted mistake in a small world: the shortening of a large one takes a while.
    private static func small(_ bug: String) -> String {
        "migrate-lab simulate --bug \(bug) --workers 2 --batches 4"
    }

    /// Those that need no server, in any order.
    static let alone: [Step] = [
        Step("make help", as: "make -C \"$REPOSITORY\" help", says: "make demo"),
        Step("migrate demo", as: "migrate demo --records 30", says: "nothing is missing"),
        Step("migrate demo --records 120", says: "120 planned, 119 processed, 1 skipped, 0 failed, 0 missing"),
        Step("migrate text languages", says: "english"),
        Step("migrate settings --example > .env.migration.example"),
        Step("cp .env.migration.example .env"),
        Step(
            "migrate settings --markdown > docs/settings.md",
            as: "mkdir docs && migrate settings --markdown > docs/settings.md"
        ),
        Step("migrate setup --print-sql", says: "claim_next_batch"),
        Step("migrate setup --print-sql --rename-older-tables", says: "_old"),
        Step("migrate-lab serve-fakes --table", says: "| Route |"),
        Step("migrate-lab simulate --seeds 200", as: "migrate-lab simulate --seeds 2"),
        Step("migrate-lab simulate --seeds 1000 --seed 5000", as: "migrate-lab simulate --seeds 2 --seed 5000"),
        Step("migrate-lab simulate --scenario races --seed 91 --seeds 1 --trace", says: "claims batch"),
        Step(
            "migrate-lab simulate --workers 2 --batches 3 --faults crashes,clocks",
            as: "migrate-lab simulate --workers 2 --batches 3 --faults crashes,clocks --seeds 2"
        ),
        Step(
            "migrate-lab simulate --scenario full --seeds 200 --twice",
            as: "migrate-lab simulate --scenario full --seeds 2 --twice"
        ),
        Step("migrate-lab simulate --bug leavesWhenIdle", as: small("leavesWhenIdle"), exit: 1, says: "FAIL I24"),
        Step(
            "migrate-lab simulate --bug trustsItsLeaseForEver",
            as: small("trustsItsLeaseForEver"),
            exit: 1,
            says: "FAIL I20"
        ),
        Step(
            "migrate-lab simulate --scenario full --bug blamesThePointsWhenFull",
            as: small("blamesThePointsWhenFull") + " --scenario full",
            exit: 1,
            says: "FAIL I"
        ),
    ]

    /// Those of a job, in the order of its life; one of its records has no tenant and fails.
    static let ofAJob: [Step] = [
        Step("migrate settings", says: "BATCH_SIZE                   5"),
        Step("migrate setup tokenizer", as: "migrate setup tokenizer --from \"$VOCABULARY\""),
        Step("migrate text chunks", as: "echo 'The ferry leaves at noon.' | migrate text chunks", says: "ferry"),
        Step("migrate check", says: "does not exist yet: `migrate setup` creates it"),
        Step("migrate setup --rename-older-tables", as: "migrate setup --rename-older-tables --yes"),
        Step("migrate setup", as: "migrate setup --yes"),
        Step("migrate check"),
        Step("migrate plan"),
        Step("migrate run --dry-run --limit 100"),
        Step("migrate run", as: "migrate run --yes", exit: 1, says: "12 processed"),
        Step("migrate verify", exit: 1),
        Step("migrate verify --repair", exit: 1),
        Step("migrate status", exit: 1, says: "Job 1: completed"),
        Step("migrate events"),
        Step("migrate quota"),
        Step("migrate quota reset", as: "migrate quota reset --yes"),
        Step("migrate repair-counters", says: "The counters of job 1 are right."),
        // The failed record opens the job again.
        Step("migrate retry --records"),
        Step("migrate pause", says: "Job 1 is paused."),
        Step("migrate resume", says: "Job 1 is running."),
        Step("migrate release --older-than 10m", says: "no such batches at work"),
        Step("migrate release --worker app-7", says: "no such batches at work"),
        Step("migrate release --batch 12", says: "no such batches at work"),
        Step("migrate run --resume", exit: 1, says: "12 processed"),
        Step("migrate retry"),
        Step("migrate run --resume --processes 2", exit: 1, says: "12 processed"),
        Step("migrate run --processes N", as: "migrate run --new --yes --processes 2", exit: 1, says: "Job 2 opened."),
        Step("migrate retry --batches"),
        Step("migrate retry --records"),
        Step("migrate worker --job ID", as: "migrate worker --job 2", exit: 1),
        Step("migrate run --new", as: "migrate run --new --yes", exit: 1, says: "Job 3 opened."),
        Step("migrate retry --records"),
        Step(
            "migrate cancel --reason …",
            as: "migrate cancel --yes --reason 'wrong table'",
            says: "Job 3 is cancelled."
        ),
        Step("migrate prune --older-than 30d --dry-run"),
        Step("migrate prune --older-than 30d", as: "migrate prune --older-than 30d --yes"),
        Step("migrate prune --older-than 30d --yes --json"),
        Step("migrate delete --job 7", as: "migrate delete --job 1 --yes"),
        Step(
            "migrate cache stats",
            // Into another collection: in the first one everything is there already, and nothing is embedded.
            as: "export EMBEDDING_CACHE=$PWD/cache.db QDRANT_COLLECTION_NAME=cached && migrate setup --yes && "
                + "migrate run --new --yes; migrate cache stats",
            says: "float32"
        ),
        Step("migrate cache prune --older-than 26w", as: cached("prune --older-than 26w"), says: "Nothing to delete"),
        Step("migrate cache prune --older-than 30d --yes --json", as: cached("prune --older-than 30d --yes --json")),
        Step(
            "migrate cache prune",
            as: cached("prune --older-than 0s --yes"),
            says: "deleted"
        ),
        Step("migrate cache verify", as: cached("verify"), says: "all of them whole"),
    ]

    /// A command about the cache file of the step before.
    private static func cached(_ command: String) -> String { "EMBEDDING_CACHE=$PWD/cache.db migrate cache \(command)" }

    /// What a page shows.
    struct Shown: Sendable, Hashable {
        let page: String
        let command: String
        /// Whether it is an example to type, and not named in a sentence.
        let isExample: Bool
    }

    /// Every command of every page.
    static func shown() throws -> [Shown] {
        let root = URL(filePath: TestEnvironment.repository)
        let docs = try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: "docs").path())
        let pages =
            ["README.md", "CONTRIBUTING.md"] + docs.filter { $0.hasSuffix(".md") }.sorted().map { "docs/" + $0 }
        return try pages.flatMap { page in
            Self.commands(in: try String(contentsOf: root.appending(path: page), encoding: .utf8), of: page)
        }
    }

    /// The lines of its shell blocks, those behind a prompt, and the words between backticks that begin like a command.
    static func commands(in text: String, of page: String) -> [Shown] {
        text.components(separatedBy: "```").enumerated().flatMap { index, part -> [Shown] in
            if index.isMultiple(of: 2) {
                let words = part.matches(of: #/`([^`\n]+)`/#).map { plain($0.1) }
                return words.filter(isCommand).map { Shown(page: page, command: $0, isExample: false) }
            }
            let lines = part.split(separator: "\n")
            let typed =
                part.hasPrefix("sh\n")
                ? lines.dropFirst() : lines.filter { $0.hasPrefix("$ ") }.map { $0.dropFirst(2) }[...]
            let commands = typed.map(plain).filter { !$0.isEmpty }
            return commands.map { Shown(page: page, command: $0, isExample: true) }
        }
    }

    /// Without a comment, without `swift run`, and with single spaces.
    private static func plain(_ text: Substring) -> String {
        let words = text.replacing(#/(^|\s)#.*$/#, with: "").split(whereSeparator: \.isWhitespace)
        return (words.starts(with: ["swift", "run"]) ? words.dropFirst(2) : words[...]).joined(separator: " ")
    }

    /// A program and an argument at least, perhaps behind variables.
    private static func isCommand(_ text: String) -> Bool {
        let words = text.split(separator: " ").drop { $0.contains(#/^[A-Z_]+=/#) }
        guard let program = words.first, words.count > 1 else { return false }
        let programs = ["migrate", "migrate-lab", "make", "swift", "docker", "bash", "cp"]
        return programs.contains(String(program)) || program.hasPrefix("scripts/")
    }
}
