import Testing

@testable import Settings

@Suite struct `The store of job tracking` {
    private static let postgres = ["POSTGRES_URL": "postgres://a@localhost/app"]
    private static let supabase = ["SUPABASE_URL": "https://x.supabase.co", "SUPABASE_KEY": "sb_secret_abc"]
    private static let file = "/home/me/.local/state/migrate/tracking.db"

    private func load(
        _ environment: [String: String],
        isInTerminal: Bool = false,
        home: [String: String] = ["HOME": "/home/me"]
    ) throws(SettingsProblems) -> Settings {
        let environment = home.merging(environment) { $1 }
        return try Settings(SettingsInput(environment: environment, isInTerminal: isInTerminal), needs: .tracking)
    }

    /// `supabase`, `postgres` or the path of the file.
    private func choice(
        _ environment: [String: String],
        isInTerminal: Bool = false,
        home: [String: String] = ["HOME": "/home/me"]
    ) throws -> String {
        switch try load(environment, isInTerminal: isInTerminal, home: home).tracking {
        case .supabase: "supabase"
        case .postgres: "postgres"
        case .sqlite(let file): file
        case nil: "none"
        }
    }

    private func problems(_ environment: [String: String], isInTerminal: Bool) -> [SettingsProblem] {
        do throws(SettingsProblems) {
            _ = try load(environment, isInTerminal: isInTerminal)
            return []
        } catch { return error.problems }
    }

    @Test(arguments: [false, true]) func `is what TRACKING names, whatever addresses are set`(isInTerminal: Bool) throws
    {
        let all = Self.postgres.merging(Self.supabase) { $1 }
        for (name, choice) in [("supabase", "supabase"), ("postgres", "postgres"), ("sqlite", Self.file)] {
            let environment = all.merging(["TRACKING": name]) { $1 }
            #expect(try self.choice(environment, isInTerminal: isInTerminal) == choice)
            #expect(try load(environment, isInTerminal: isInTerminal).isTrackingAssumed == false)
        }
    }

    @Test(arguments: [false, true]) func `is the one whose address is set`(isInTerminal: Bool) throws {
        #expect(try choice(Self.supabase, isInTerminal: isInTerminal) == "supabase")
        #expect(try choice(Self.postgres, isInTerminal: isInTerminal) == "postgres")
        #expect(try choice(Self.postgres.merging(Self.supabase) { $1 }, isInTerminal: isInTerminal) == "supabase")
        #expect(try choice(Self.postgres.merging(["TRACKING": ""]) { $1 }, isInTerminal: isInTerminal) == "postgres")
    }

    @Test func `is a file where nothing is set, but only in a terminal`() throws {
        #expect(try choice([:], isInTerminal: true) == Self.file)
        #expect(try load([:], isInTerminal: true).isTrackingAssumed)
        let found = problems([:], isInTerminal: false)
        #expect(found.map(\.subject) == ["TRACKING"])
        for words in ["POSTGRES_URL", "SUPABASE_URL", "TRACKING=sqlite"] {
            #expect(found.first?.sentence.contains(words) == true)
        }
        // Only the name of a file is no choice of a store.
        #expect(problems(["TRACKING_FILE": "/data/t.db"], isInTerminal: false).map(\.subject) == ["TRACKING"])
    }

    @Test func `may have been meant by a name that other programs use`() {
        let missing = #expect(throws: SettingsProblems.self) {
            try load(["DATABASE_URL": "postgres://a@localhost/app"])
        }
        #expect(missing?.hints == ["DATABASE_URL is not a setting; did you mean POSTGRES_URL?"])
    }

    /// What was meant to be another store never becomes a file of its own.
    @Test(arguments: [
        (["SUPABASE_KEY": "sb_secret_abc"], "SUPABASE_URL"),
        (["SUPABASE_URL": "https://x.supabase.co"], "SUPABASE_KEY"),
        (["SUPABASE_URL": "nonsense", "SUPABASE_KEY": "sb_secret_abc"], "SUPABASE_URL"),
        (["POSTGRES_URL": "mysql://x"], "POSTGRES_URL"), (["TRACKING": "postgress"], "TRACKING"),
        (["TRACKING": "postgres"], "POSTGRES_URL"),
    ])
    func `is a file only if nothing else was meant`(environment: [String: String], subject: String) {
        for isInTerminal in [false, true] {
            #expect(problems(environment, isInTerminal: isInTerminal).map(\.subject) == [subject])
        }
    }

    @Test func `is the file that is named, else in the state folder`() throws {
        let chosen = ["TRACKING": "sqlite"]
        func file(_ more: [String: String], home: [String: String] = ["HOME": "/home/me"]) throws -> String {
            try choice(chosen.merging(more) { $1 }, home: home)
        }
        #expect(try file([:]) == Self.file)
        #expect(try file(["XDG_STATE_HOME": "/state"]) == "/state/migrate/tracking.db")
        #expect(try file(["XDG_STATE_HOME": "/state", "STATE_DIRECTORY": "/var/lib/m"]) == "/var/lib/m/tracking.db")
        #expect(try file(["STATE_DIRECTORY": "/var/lib/m", "TRACKING_FILE": "/data/t.db"]) == "/data/t.db")
        #expect(try file(["TRACKING_FILE": "/data/t.db"], home: [:]) == "/data/t.db")
        let homeless = #expect(throws: SettingsProblems.self) { try file([:], home: [:]) }
        #expect(homeless?.problems.map(\.subject) == ["TRACKING_FILE"])
        let note = #expect(throws: SettingsProblems.self) { try file(["TRACKING_FILE": "/state/a.lock"]) }
        #expect(note?.problems.map(\.subject) == ["TRACKING_FILE"])
    }

    @Test func `is chosen once for a run and its worker processes`() throws {
        for environment in [[:], Self.postgres, Self.supabase, ["TRACKING": "sqlite", "TRACKING_FILE": "t.db"]] {
            let run = try load(environment, isInTerminal: true)
            // The process has no terminal, and another home.
            let worker = try load(run.environment, home: ["HOME": "/root"])
            #expect("\(String(describing: worker.tracking))" == "\(String(describing: run.tracking))")
            #expect(!worker.isTrackingAssumed)
        }
    }

    @Test func `is shown with the file`() throws {
        func shown(_ settings: Settings, _ name: String) -> String? {
            settings.inForce.first { $0.setting.name == name }.map { "\($0.shown), \($0.origin)" }
        }
        let file = try load([:], isInTerminal: true)
        #expect(shown(file, "TRACKING") == "sqlite, default")
        #expect(shown(file, "TRACKING_FILE") == "\(Self.file), default")
        let other = try load(Self.postgres, isInTerminal: true)
        #expect(shown(other, "TRACKING") == "postgres, default")
        #expect(shown(other, "TRACKING_FILE") == ", not set")
    }
}
