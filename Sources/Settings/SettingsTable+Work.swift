/// The settings of the work, the text and everything else; those of the services are in `SettingsTable.swift`.
extension SettingsTable {
    static let work: [Setting] = [
        Setting("BATCH_SIZE", .integer(1...1_000), "100", in: .work, help: "Records per batch, the unit of claiming."),
        Setting("MAX_WORKERS", .integer(1...64), "5", in: .work, help: "Batches this process works on at a time."),
        Setting(
            "MAX_RETRIES",
            .integer(0...100),
            "3",
            in: .work,
            help: "Retries of a batch after its first failed attempt; throttling and outages use none."
        ),
        Setting(
            "MAX_FAILURES",
            .integer(0...1_000_000_000),
            in: .work,
            help:
                "Failures outside the records' content that pause the job; 0 = never, unset = 5 % of those done, at least 100."
        ),
        Setting(
            "WORKER_POLL_INTERVAL",
            .decimal(0.1...60),
            "1.0",
            in: .work,
            help: "Minimum seconds between two claims that find nothing."
        ),
        Setting(
            "WORKER_HEARTBEAT_INTERVAL",
            .decimal(1...300),
            "30.0",
            in: .work,
            help: "Seconds between heartbeats; a lease lasts four times as long."
        ),
        Setting(
            "BATCH_TIMEOUT_MINUTES",
            .decimal(0.05...1_440),
            "10",
            in: .work,
            help: "Maximum minutes for a claimed batch, with or without heartbeats."
        ),
        Setting(
            "SHUTDOWN_GRACE_SECONDS",
            .decimal(0...3_600),
            "25",
            in: .work,
            help:
                "Seconds for batches in flight after Ctrl-C or SIGTERM. Docker kills after 10 s in all, Kubernetes after 30."
        ),
        Setting(
            "RECORD_EVENTS",
            .choice(["on", "off"]),
            "on",
            in: .work,
            help: "Whether a new job keeps the history that `migrate events` shows, about four rows per batch."
        ),
    ]

    static let text: [Setting] = [
        Setting(
            "PARENT_MAX_TOKENS",
            .integer(16...8_191),
            "2500",
            in: .text,
            help: "A text of at most this many tokens is one parent."
        ),
        Setting(
            "PARENT_CHUNK_SIZE",
            .integer(16...8_191),
            "2048",
            in: .text,
            help: "Tokens per parent of a longer text."
        ),
        Setting(
            "CHUNK_SIZE",
            .integer(16...8_191),
            "512",
            in: .text,
            help: "Tokens per child; children are embedded."
        ),
        Setting(
            "CHUNK_OVERLAP",
            .integer(0...8_190),
            "128",
            in: .text,
            help: "Tokens that neighbouring children share."
        ),
        Setting(
            "POINT_ID_NAMESPACE",
            .text,
            "migrate",
            in: .text,
            help: "Point ids are derived from it; use another application's value to share ids with it."
        ),
        Setting(
            "SOURCE_NAME",
            .text,
            in: .text,
            help: "Name of the table in the points, their `source`; by default `database.table`."
        ),
        Setting(
            "UNMARKED_POINTS",
            .choice(["ours", "foreign"]),
            in: .text,
            help: "Whether points without a `source` came from this table (`ours`) or from elsewhere (`foreign`)."
        ),
        Setting(
            "SPARSE_LANGUAGE",
            .choice(SparseLanguages.all),
            "english",
            in: .text,
            help: "Stemmer and stop words of the sparse vectors; the query side must use the same."
        ),
        Setting(
            "SPARSE_STOP_WORDS",
            .file,
            in: .text,
            help: "Words to leave out, in place of the language's own list, if it has one; /dev/null for none."
        ),
        Setting(
            "SPARSE_AVG_LENGTH",
            .decimal(1...100_000),
            "256",
            in: .text,
            help: "Average words per child, a constant of BM25; the query side need not know it."
        ),
        Setting(
            "SPARSE_CJK",
            .choice(["off", "bigram"]),
            "off",
            in: .text,
            help: "`bigram` cuts Han, Kana and Hangul into pairs; the query side must do the same."
        ),
        Setting(
            "TOKENIZER_VOCABULARY",
            .file,
            in: .text,
            help:
                "cl100k_base.tiktoken; by default tiktoken's cache, then the file that `migrate setup tokenizer` keeps."
        ),
    ]

    static let general: [Setting] = [
        Setting(
            "EMBEDDING_CACHE",
            .text,
            in: .general,
            help: "File that keeps every vector that was paid for, so that no text is paid for twice; none by default."
        ),
        Setting(
            "EMBEDDING_CACHE_FORMAT",
            .choice(["float32", "float16"]),
            "float32",
            in: .general,
            help: "Numbers in that file; `float16` halves its size and loses precision."
        ),
        Setting(
            "LOG_LEVEL",
            .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
            "warning",
            in: .general,
            help: "Lowest level of the log lines on standard error."
        ),
        Setting(
            "HTTP_CA_BUNDLE",
            .file,
            in: .general,
            help: "Certificates (PEM) for https:// in place of the system's, for example a company proxy's."
        ),
        Setting(
            "STATE_DIRECTORY",
            .text,
            in: .general,
            help:
                "Folder for notes of leases, with which a resume need not wait; default ${XDG_STATE_HOME:-~/.local/state}/migrate."
        ),
    ]
}
