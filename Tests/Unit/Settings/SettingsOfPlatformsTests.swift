import Foundation
import Testing

@testable import Settings

/// Settings as containers, platforms and people give them.
@Suite struct `Settings of real environments` {
    private func load(
        _ changes: [String: String?],
        file: EnvironmentFile? = nil
    ) -> Result<Settings, SettingsProblems> {
        var environment = `Settings in force`.complete
        for (name, value) in changes { environment[name] = value }
        let input = SettingsInput(environment: environment, file: file)
        return Result { () throws(SettingsProblems) in try Settings(input, needs: .everything) }
    }

    @Test(arguments: [
        "tcp://10.96.0.12:3306", "tcp://172.17.0.2:3306", "tcp://[fd00::1]:3306", "udp://10.0.0.1:53",
        "tcp://fd00::1:3306",
        "sctp://10.0.0.1:9", "tcp://10.0.0.1:1", "tcp://255.255.255.255:65535", "udp://[::1]:1", "tcp://1.2.3.4:03306",
    ])
    func `a port that Kubernetes or Docker sets for a service is passed over, and said`(value: String) throws {
        let settings = try load(["MYSQL_PORT": value]).get()
        #expect(settings.mysql?.port == 3306)
        #expect(settings.warnings.count == 1)
        #expect(settings.warnings.first?.contains("MYSQL_PORT") == true)
        #expect(settings.warnings.first?.contains("`mysql`") == true)
        let file = EnvironmentFile(path: ".env", text: "MYSQL_PORT=3307")
        #expect(try load(["MYSQL_PORT": value], file: file).get().mysql?.port == 3307)
    }

    @Test(arguments: [
        "tcp://db.example:3306", "tcp://app:hunter@10.0.0.1:3306", "tcp://10.0.0.1", "http://10.0.0.1:3306", "3306/tcp",
        "tcp:3306", "tcp://:3306", "tcp://10.0.0.1:port", "tcp://10.0.0.1:3306/", "x",
    ])
    func `any other port that is none is refused`(value: String) {
        guard case .failure(let problems) = load(["MYSQL_PORT": value]) else {
            return #expect(Bool(false), "accepted")
        }
        #expect(problems.problems.map(\.subject) == ["MYSQL_PORT"])
        #expect(!"\(problems)".contains("hunter"))
    }

    @Test func `other variables of a service are nobody's`() throws {
        let settings = try load([
            "MYSQL_SERVICE_HOST": "10.0.0.1", "MYSQL_SERVICE_PORT": "3306",
            "MYSQL_PORT_3306_TCP": "tcp://10.0.0.1:3306",
            "MYSQL_PORT_3306_TCP_PROTO": "tcp", "MYSQL_PORT_3306_TCP_ADDR": "10.0.0.1",
            "QDRANT_PORT": "tcp://10.0.0.1:6333",
            "QDRANT_SERVICE_HOST": "10.0.0.1", "MYSQL_SERVICE_PORT_MYSQL": "3306",
        ]).get()
        #expect(settings.hints.isEmpty && settings.warnings.isEmpty, "\(settings.hints)")
    }

    @Test(arguments: [
        ("LOG_LEVEL", "INFO", "info"), ("LOG_LEVEL", "Warning", "warning"), ("MYSQL_SSL", "VERIFY", "verify"),
        ("MYSQL_SSL", "Verify", "verify"), ("RECORD_EVENTS", "OFF", "off"), ("RECORD_EVENTS", "On", "on"),
        ("TRACKING", "Supabase", "supabase"), ("SPARSE_LANGUAGE", "English", "english"),
        ("SPARSE_CJK", "Bigram", "bigram"), ("UNMARKED_POINTS", "Ours", "ours"), ("LOG_LEVEL", "eRRor", "error"),
    ])
    func `a choice is taken in any case`(name: String, given: String, meant: String) throws {
        let settings = try load([name: given]).get()
        #expect(settings.inForce.first { $0.setting.name == name }?.shown == meant)
    }

    @Test(arguments: ["LOG_LEVEL": "warn", "MYSQL_SSL": "true", "RECORD_EVENTS": "yes", "TRACKING": "supa"])
    func `what is no choice is still none`(name: String, given: String) {
        guard case .failure = load([name: given]) else { return #expect(Bool(false), "accepted") }
    }

    @Test func `a file with secrets that everybody may read is warned of`() throws {
        let secret = EnvironmentFile(path: "my.env", text: "QDRANT_API_KEY=hunter", isReadableByOthers: true)
        let warnings = try load(["QDRANT_API_KEY": nil], file: secret).get().warnings
        #expect(warnings == ["my.env holds secrets, and every user of this host may read it: chmod 600 my.env"])
        for (text, isReadable) in [
            ("QDRANT_API_KEY=hunter", false), ("BATCH_SIZE=7", true), ("QDRANT_API_KEY=", true), ("", true),
        ] {
            let file = EnvironmentFile(path: "my.env", text: text, isReadableByOthers: isReadable)
            #expect(try load([:], file: file).get().warnings.isEmpty)
        }
    }

    private static let misnamed = [
        ("SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_KEY"), ("SUPABASE_SERVICE_KEY", "SUPABASE_KEY"),
        ("supabase_key", "SUPABASE_KEY"), ("SUPABSE_KEY", "SUPABASE_KEY"), ("NEXT_PUBLIC_SUPABASE_URL", "SUPABASE_URL"),
        ("VITE_SUPABASE_URL", "SUPABASE_URL"), ("OPENAI_KEY", "OPENAI_API_KEY"), ("openai_api_key", "OPENAI_API_KEY"),
        ("OPENIA_API_KEY", "OPENAI_API_KEY"), ("OPENAI_APIKEY", "OPENAI_API_KEY"),
        ("AZURE_OPENAI_API_KEY", "OPENAI_API_KEY"),
        ("OPENAI_API_KEY_", "OPENAI_API_KEY"), ("MYSQL_HSOT", "MYSQL_HOST"), ("mysql_host", "MYSQL_HOST"),
        ("MYSQLHOST", "MYSQL_HOST"), ("MySQL_Host", "MYSQL_HOST"), ("DB_HOST", "MYSQL_HOST"),
        ("MYSQL_HOSTNAME", "MYSQL_HOST"),
        ("MYSQL_USERNAME", "MYSQL_USER"), ("MYSQL_PWD", "MYSQL_PASSWORD"), ("MYSQL_PASWORD", "MYSQL_PASSWORD"),
        ("MYSQL_PASSWROD", "MYSQL_PASSWORD"), ("MYSQLPASSWORD", "MYSQL_PASSWORD"), ("DB_PASSWORD", "MYSQL_PASSWORD"),
        ("MYSQL_DB", "MYSQL_DATABASE"), ("MYSQLDATABASE", "MYSQL_DATABASE"), ("QDRANT_HOST", "QDRANT_URL"),
        ("QDRNAT_URL", "QDRANT_URL"), ("qdrant_url", "QDRANT_URL"), ("QDRANT_CLUSTER_ENDPOINT", "QDRANT_URL"),
        ("APP_MYSQL_HOST", "MYSQL_HOST"), ("MYSQL-HOST", "MYSQL_HOST"), ("mysql.host", "MYSQL_HOST"),
    ]

    @Test(arguments: misnamed) func `a likely misnaming is named beside what is missed`(given: String, meant: String) {
        guard case .failure(let problems) = load([meant: nil, given: "hunter"]) else {
            return #expect(Bool(false), "accepted without \(meant)")
        }
        #expect(problems.problems.map(\.subject) == [meant] || meant == "SUPABASE_URL")
        #expect(problems.hints == ["\(given) is not a setting; did you mean \(meant)?"])
        #expect(!"\(problems)".contains("hunter"))
    }

    @Test(arguments: [("MYSQL-HOST", "MYSQL_HOST"), ("mysql.host", "MYSQL_HOST"), ("Mysql_Host", "MYSQL_HOST")])
    func `also in a file`(given: String, meant: String) {
        let file = EnvironmentFile(path: ".env", text: "\(given)=hunter")
        guard case .failure(let problems) = load([meant: nil], file: file) else {
            return #expect(Bool(false), "accepted")
        }
        #expect(problems.hints == ["\(given) is not a setting; did you mean \(meant)?"])
    }

    @Test func `nothing is said of names that are other programs', or beside the right one`() throws {
        let settings = try load([
            "DB_HOST": "x", "DATABASE_URL": "x", "PATH": "/bin", "HOME": "/", "MYSQL_HOME": "x", "OPENAI_ORG_ID": "x",
            "OPENAI_KEY": "x", "mysql_host": "x", "POSTGRES_USER": "x", "POSTGRES_PASSWORD": "x", "POSTGRES_DB": "x",
            "MYSQL_ROOT_PASSWORD": "x", "LOGNAME": "x", "LANGUAGE": "x", "MYSQL_ALLOW_EMPTY_PASSWORD": "x",
            "SUPABASE_ANON_KEY": "x", "QDRANT__SERVICE__GRPC_PORT": "x", "TRACKING_ID": "x",
        ]).get()
        #expect(settings.hints.isEmpty, "\(settings.hints)")
    }
}
