/// Checks of two settings against each other.
extension SettingsReader {
    /// `supabase` when SUPABASE_URL is set, unless TRACKING says otherwise.
    var tracking: String { value("TRACKING") ?? (value("SUPABASE_URL") == nil ? "postgres" : "supabase") }

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
        guard tracking == "postgres" else {
            for name in ["SUPABASE_URL", "SUPABASE_KEY"] where isMissing(name) {
                report(name, "is not set; TRACKING is supabase and needs it")
            }
            return
        }
        guard isMissing("POSTGRES_URL"), !problems.contains(where: { $0.subject == "SUPABASE_URL" }) else { return }
        if value("TRACKING") == "postgres" {
            report("POSTGRES_URL", "is not set; TRACKING is postgres and needs it")
        } else {
            report(
                "SUPABASE_URL",
                "is not set, nor is POSTGRES_URL; set SUPABASE_URL and SUPABASE_KEY, or POSTGRES_URL"
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
