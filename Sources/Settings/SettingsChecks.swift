/// Checks of two settings against each other.
extension SettingsReader {
    /// The store that TRACKING names, else the one whose address is given, else in a terminal a file.
    ///
    /// Nil if nothing says where progress is kept. Without a terminal a file must be asked for: a container that lacks
    /// POSTGRES_URL must not start a migration of its own.
    var tracking: String? {
        if let named = value("TRACKING") { return named }
        if isGiven("SUPABASE_URL") || isGiven("SUPABASE_KEY") { return "supabase" }
        if isGiven("POSTGRES_URL") { return "postgres" }
        return input.isInTerminal && !isGiven("TRACKING") ? "sqlite" : nil
    }

    /// The file of TRACKING=sqlite; nil if none is named and there is no home directory.
    var trackingFile: String? {
        value("TRACKING_FILE")
            ?? StateFolder(named: value("STATE_DIRECTORY"), environment: input.environment).trackingFile
    }

    mutating func checkTogether() {
        if needs.contains(.tracking) { checkTracking() }
        checkSizes()
        checkStopWords()
        checkPatience()
        checkEncryption()
        checkPostgres()
        if let key = value("SUPABASE_KEY"), case .refused(let name) = SupabaseKeyKind(key) {
            let right = "take a secret key (sb_secret_…) or the service_role key, which may call the tracking functions"
            report("SUPABASE_KEY", "is the \(name) key; \(right)")
        }
    }

    private func isMissing(_ name: String) -> Bool {
        value(name) == nil && !problems.contains { $0.subject == name }
    }

    private mutating func checkTracking() {
        switch tracking {
        case "sqlite":
            switch trackingFile {
            case nil: report("TRACKING_FILE", "is not set, and there is no home directory: name a file")
            case let file? where file.hasSuffix(".lock"):
                report(
                    "TRACKING_FILE",
                    "ends in .lock, like the notes of runners, which are removed: give it another name"
                )
            default: break
            }
        case "postgres":
            if isMissing("POSTGRES_URL") { report("POSTGRES_URL", "is not set; TRACKING is postgres and needs it") }
        case "supabase":
            for name in ["SUPABASE_URL", "SUPABASE_KEY"] where isMissing(name) {
                report(name, "is not set; TRACKING is supabase and needs it")
            }
        default:
            guard !problems.contains(where: { $0.subject == "TRACKING" }) else { return }
            report(
                "TRACKING",
                "is not set, and nothing else says where progress is kept: set POSTGRES_URL, or SUPABASE_URL and "
                    + "SUPABASE_KEY, or for this machine alone TRACKING=sqlite"
            )
        }
    }

    private mutating func checkSizes() {
        let order = ["CHUNK_OVERLAP", "CHUNK_SIZE", "PARENT_CHUNK_SIZE", "PARENT_MAX_TOKENS"]
        for (smaller, larger) in zip(order, order.dropFirst()) {
            guard let low = value(smaller).flatMap({ Int($0) }), let high = value(larger).flatMap({ Int($0) }) else {
                continue
            }
            if smaller == "CHUNK_OVERLAP", low >= high {
                report(smaller, "is \(low); it must be below \(larger), which is \(high)")
            } else if low > high {
                report(smaller, "is \(low); it must be at most \(larger), which is \(high)")
            }
        }
    }

    private mutating func checkStopWords() {
        guard let language = value("SPARSE_LANGUAGE"), isMissing("SPARSE_STOP_WORDS"),
            SparseLanguages.withoutStopWords.contains(language)
        else { return }
        report(
            "SPARSE_STOP_WORDS",
            "is not set, and the stop words of \(language) do not come with this program; name the list that the query "
                + "side has (fastembed's is \(language).txt of its model Qdrant/bm25), or /dev/null for none"
        )
    }

    private mutating func checkPatience() {
        guard let heartbeat = value("WORKER_HEARTBEAT_INTERVAL").flatMap({ Double($0) }),
            let minutes = value("BATCH_TIMEOUT_MINUTES").flatMap({ Double($0) })
        else { return }
        let lease = heartbeat * 4
        if minutes * 60 <= lease {
            report(
                "BATCH_TIMEOUT_MINUTES",
                "is \(minutes); it must be longer than the lease, four times WORKER_HEARTBEAT_INTERVAL: \(lease) s"
            )
        }
    }

    private mutating func checkEncryption() {
        guard !input.allowsPlaintext else { return }
        let remedy = "or allow it with --allow-plaintext"
        for name in ["SUPABASE_URL", "OPENAI_BASE_URL", "QDRANT_URL"] {
            guard let text = value(name), let address = checks.serviceAddress(text) else { continue }
            if address.isPlaintext, !address.isLoopback {
                report(
                    name,
                    "is http:// to \(address.name): keys and texts would travel unencrypted; use https://, \(remedy)"
                )
            }
        }
        if value("MYSQL_SSL") == "off", let host = value("MYSQL_HOST"), !isLoopback(host) {
            report(
                "MYSQL_SSL",
                "is off for \(host): password and texts would travel unencrypted; set it to verify, \(remedy)"
            )
        }
    }

    private mutating func checkPostgres() {
        guard let url = value("POSTGRES_URL"),
            let problem = checks.postgresProblem(Secret(url), input.allowsPlaintext)
        else { return }
        report("POSTGRES_URL", problem)
    }
}
