import Glibc

/// Words and turns of phrase that are hard to read, and what to write instead.
///
/// A rule is about what people read: comments, help, messages, scripts, SQL and pages. Names of tests and words between
/// backticks are not searched.
struct TidyWords: Sendable {
    /// What is banned, as the message names it.
    let banned: String
    /// Every hit contains one text of each group, so that few lines are compared with the pattern.
    let needles: [[String]]
    /// A regular expression for one line.
    let pattern: String
    /// Whether capitals count as small letters; not where a verb at the beginning of a comment looks like the noun.
    var ignoresCase = true
    let instead: String
    /// Files that may have it, and why.
    var exceptions: [String: String] = [:]
    /// Lines that break the rule.
    let examples: [String]
    /// Lines that look alike and keep it.
    var harmless: [String] = []

    /// Whether a text contains a needle; by C's search, because there are many texts and few hits.
    func isNear(_ text: String) -> Bool {
        needles.allSatisfy { group in group.contains { unsafe strstr(text, $0) != nil } }
    }

    /// One message per line that breaks the rule.
    func violations(in path: String, prose: [String]) throws -> [String] {
        guard exceptions[path] == nil else { return [] }
        let regex = try Regex(pattern).ignoresCase(ignoresCase).wordBoundaryKind(.simple)
        return prose.enumerated().compactMap { index, line in
            guard isNear(line) else { return nil }
            let spoken = line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset.isMultiple(of: 2) }.map(\.element).joined(separator: "x")
            guard spoken.contains(regex) else { return nil }
            return "\(path):\(index + 1): \(banned) is banned here, write \(instead)"
        }
    }
}

extension TidyWords {
    private static let sample = "sentences of the sample texts"
    private static let account = "the system's account of this name"
    private static let periods = ["second", "minute", "hour", "day", "week", "month", "year"]
    private static let things = [
        "job", "batch", "request", "call", "text", "page", "line", "row", "record", "claim", "seed", "process",
        "dependency", "version", "lease", "core", "processor", "connection", "worker", "host", "child", "parent",
        "test", "run", "setting", "rule", "try", "event", "file", "server",
    ]

    private static func behind(_ words: [String]) -> [String] { words.flatMap { [" a \($0)", " an \($0)"] } }

    static let all: [TidyWords] = [
        TidyWords(
            banned: "a or an in place of per, with a time",
            needles: [[" a ", " an "], behind(periods)],
            pattern:
                #"\b(records|rows|lines|requests|tokens|texts|batches|points|jobs|seeds|times|calls|bytes|vectors|"#
                + #"claims|words|pages|chunks|events|megabytes|[kMG]i?B|once|twice|one|two|three|\d[\d,.]*) an? "#
                + "(\(periods.joined(separator: "|")))" + #"\b(?! (time|later|after|ahead|before|look)\b)"#,
            ignoresCase: false,
            instead: "`per`: rows per second",
            examples: ["moves 850 records a second", "at most once a minute", "3 requests a minute", "20 MB an hour"],
            harmless: ["reads records a second time", "moves 850 records per second", "waits a minute"]
        ),
        TidyWords(
            banned: "a or an in place of per, with a thing",
            needles: [[" a ", " an "], behind(things)],
            pattern:
                #"\b(records|rows|lines?|tokens|texts|batches|seeds|bytes|vectors?|threads?|connections?|document|"#
                + #"answer|transactions?|allocations|megabytes|[kMG]i?B|ms|twice) an? "#
                + "(\(things.joined(separator: "|")))" + #"\b"#,
            ignoresCase: false,
            instead: "`per`: one line per dependency",
            examples: ["One line a dependency", "one transaction a call", "122 allocations a record", "1 ms a batch"],
            harmless: [
                "one line per dependency", "Records a call", "claims a batch", "the line of a process",
                "once a process runs",
            ]
        ),
        TidyWords(
            banned: "mend",
            needles: [["mend", "Mend"]],
            pattern: #"\bmend(s|ed|ing)?\b"#,
            instead: "`fix` or `repair`, or say what to do",
            examples: ["what a person must mend", "The cut is mended"],
            harmless: ["recommended", "an amendment"]
        ),
        TidyWords(
            banned: "nobody",
            needles: [["obody"]],
            pattern: #"\bnobody\b"#,
            instead: "which process, person or program does not",
            exceptions: [
                "Sources/migrate/Demo/SampleTexts.swift": sample, "scripts/sample-rows": sample,
                "Benchmarks/Benchmarks/TextProcessing/Samples.swift": sample,
                "scripts/servers": account, "scripts/server/lib.sh": account,
            ],
            examples: ["nobody may send", "Nobody waits for it", "it protects from nobody"]
        ),
        TidyWords(
            banned: "somebody, anybody or everybody",
            needles: [["ybody", "mebody"]],
            pattern: #"\b(some|any|every)body\b"#,
            instead: "the one that is meant: `another application`, `every process`",
            examples: ["somebody else's transaction", "before anybody listened"]
        ),
        TidyWords(
            banned: "whoever",
            needles: [["hoever"]],
            pattern: #"\bwhoever\b"#,
            instead: "`the process that` or `the person who`",
            examples: ["by whoever holds the lease"]
        ),
        TidyWords(
            banned: "who, of a program",
            needles: [[" who ", " whom ", " who,"]],
            pattern: #"\b(process|worker|runner|program|controller|planner|reaper|server|service|client|call|caller|"#
                + #"thread|task|job|command)(es|s)?,? whom?\b"#,
            instead: "`that`: the process that sleeps",
            examples: ["a process who sleeps", "the workers, who wait"],
            harmless: ["a person who reads", "a process whose lease has ended"]
        ),
        TidyWords(
            banned: "how likely",
            needles: [["ow likely"]],
            pattern: #"\bhow likely\b"#,
            instead: "`the probability of`",
            examples: ["How likely each fault is"]
        ),
        TidyWords(
            banned: "leave, for a permission",
            needles: [["leave to "]],
            pattern: #"\bleave to (work|begin|start|call|send|write|claim|go)\b"#,
            instead: "`permission to`",
            examples: ["asks for leave to begin a call"],
            harmless: ["what the others leave to the next run"]
        ),
        TidyWords(
            banned: "birth",
            needles: [["birth"]],
            pattern: #"\bbirth\b"#,
            instead: "`derives` or `creates`",
            examples: ["gives birth to independent streams"]
        ),
        TidyWords(
            banned: "the circle",
            needles: [["circle"]],
            pattern: #"\bthe circle\b"#,
            instead: "`the reference cycle`",
            examples: ["here the circle is cut"]
        ),
        TidyWords(
            banned: "the money is gone",
            needles: [["money"]],
            pattern: #"\bmoney (is|was) gone\b"#,
            instead: "`the account has no credit left`",
            examples: ["once the money is gone"]
        ),
        TidyWords(
            banned: "ask nothing",
            needles: [["sk nothing"]],
            pattern: #"\bask nothing\b"#,
            instead: "`answer yes to every question`",
            examples: ["Ask nothing."]
        ),
        TidyWords(
            banned: "not ours",
            needles: [[" not ours"]],
            pattern: #"\b(is|are) not ours\b"#,
            instead: "`another program's`, and what to do about it",
            examples: ["schema_version() is not ours"]
        ),
    ]
}
