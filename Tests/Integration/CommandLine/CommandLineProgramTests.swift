import Foundation
import Testing

/// The built program from the outside; needs no server.
@Suite(.timeLimit(.minutes(5))) struct `The built program` {
    @Test func `shows the whole job over stand-ins`() async throws {
        let program = try Program()
        defer { program.remove() }
        let result = try await program.run("demo", "--records", "120")
        #expect(result.status == 0, "\(result.error)")
        #expect(result.out.contains("120 planned, 119 processed, 1 skipped, 0 failed, 0 missing"))
        #expect(result.out.contains("nothing is missing"))
        #expect(result.out.contains("cranes resting on the meadow"))
        #expect(result.error.contains("counts words, not tokens"), "there is no vocabulary in its home")
    }

    /// What the first screen of the README shows, but for an ellipsis.
    @Test func `shows what the README says it does`() async throws {
        let readme = try String(contentsOfFile: TestEnvironment.repository + "/README.md", encoding: .utf8)
        let start = try #require(readme.firstRange(of: "```\n$ migrate demo --records 120\n"))
        let shown = readme[start.upperBound...].components(separatedBy: "\n```")[0].split(separator: "\n")
        #expect(shown.count > 10)
        let program = try Program()
        defer { program.remove() }
        let result = try await program.run("demo", "--records", "120")
        let lines = result.out.split(separator: "\n")
        for line in shown where line != "…" { #expect(lines.contains(line), "\(line)\n\(result.out)") }
    }

    @Test func `prints one JSON document per line when asked`() async throws {
        let program = try Program()
        defer { program.remove() }
        let result = try await program.run("demo", "--records", "30", "--json")
        #expect(result.status == 0, "\(result.error)")
        let lines = result.out.split(separator: "\n")
        #expect(lines.count >= 3)
        for line in lines {
            #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
        }
    }

    @Test func `names every bad setting at once, and no secret`() async throws {
        let program = try Program()
        defer { program.remove() }
        try Data("BATCH_SIZE=0\nnonsense\nMYSQL_PASSWORD=hush\n".utf8).write(to: program.folder.appending(path: ".env"))
        let result = try await program.run(
            "run",
            "--mysql-port",
            "99999",
            environment: [
                "QDRANT_URL": "http://user:hush@q", "MAX_WORKERS": "", "SUPABASE_URL": "http://x", "MYSQL_HOSTS": "h",
            ]
        )
        #expect(result.status == 78)
        for words in [
            "BATCH_SIZE: is 0 (.env:1)", ".env:2: has no `=`", "MYSQL_PORT: is 99999 (--mysql-port)",
            "QDRANT_URL: holds an @",
            "MAX_WORKERS: is blank", "MYSQL_HOST: is not set", "SUPABASE_URL: is http:// to x:80",
            "did you mean MYSQL_HOST?",
        ] {
            #expect(result.error.contains(words), "\(words)\n\(result.error)")
        }
        #expect(!(result.out + result.error).contains("hush"))
    }

    @Test func `shows what is in force and where it came from`() async throws {
        let program = try Program()
        defer { program.remove() }
        let environment = [
            "MYSQL_HOST": "db.example", "MYSQL_USER": "u", "MYSQL_PASSWORD": "hush", "MYSQL_DATABASE": "d",
            "OPENAI_API_KEY": "hush",
            "QDRANT_URL": "https://q.example", "POSTGRES_URL": "postgres://u:hush@localhost/d",
        ]
        let result = try await program.run("settings", "--batch-size", "50", environment: environment)
        #expect(result.status == 0, "\(result.error)")
        #expect(result.out.contains("--batch-size"))
        #expect(result.out.contains("environment"))
        #expect(!result.out.contains("hush"))
        let example = try await program.run("settings", "--example")
        #expect(example.out.contains("MYSQL_HOST=\n"))
    }

    @Test(arguments: [["run", "--limit", "0"], ["frobnicate"], ["run", "--resume", "--new"], ["worker"]])
    func `wrong usage ends with 64 and says what is right`(arguments: [String]) async throws {
        let program = try Program()
        defer { program.remove() }
        let result = try await program.run(arguments)
        #expect(result.status == 64)
        #expect(result.error.contains("Usage: migrate") || result.error.contains("See 'migrate"))
    }

    @Test func `says in one sentence what to do without the tokenizer's vocabulary`() async throws {
        let program = try Program()
        defer { program.remove() }
        let environment = ["MYSQL_HOST": "127.0.0.1", "MYSQL_USER": "u", "MYSQL_PASSWORD": "", "MYSQL_DATABASE": "d"]
        let result = try await program.run("plan", environment: environment)
        #expect(result.status == 78)
        #expect(result.error.contains("migrate setup tokenizer"))
    }

    @Test func `a file that is not the vocabulary is refused and not kept`() async throws {
        let program = try Program()
        defer { program.remove() }
        try Data("not it".utf8).write(to: program.folder.appending(path: "v"))
        let result = try await program.run("setup", "tokenizer", "--from", "v")
        #expect(result.status == 78)
        #expect(result.error.contains("SHA-256"))
    }

    @Test func `services that do not answer end with 69, each with its line`() async throws {
        let program = try Program()
        defer { program.remove() }
        // Port 9 is discard: no server listens there on loopback.
        let environment = [
            "MYSQL_HOST": "127.0.0.1", "MYSQL_PORT": "9", "MYSQL_USER": "u", "MYSQL_PASSWORD": "",
            "MYSQL_DATABASE": "d",
            "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "QDRANT_URL": "http://127.0.0.1:9",
            "POSTGRES_URL": "postgres://u@127.0.0.1:9/d",
        ]
        let result = try await program.run("check", environment: environment)
        #expect(result.status == 69)
        for name in ["MySQL", "Tracking", "OpenAI", "Qdrant", "Tokenizer"] {
            #expect(result.out.contains("FAIL  \(name)"), "\(result.out)")
        }
    }

    @Test func `carries the tracking SQL`() async throws {
        let program = try Program()
        defer { program.remove() }
        let result = try await program.run("setup", "--print-sql")
        #expect(result.status == 0)
        #expect(result.out.contains("claim_next_batch") && result.out.contains("schema_version"))
    }
}
