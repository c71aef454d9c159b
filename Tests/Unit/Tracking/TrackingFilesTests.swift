import Fakes
import Foundation
import Migration
import Settings
import Testing

@testable import Adapters
@testable import SQLite

@Suite struct `The tracking SQL in the binary` {
    private static let folder = URL(filePath: #filePath).appending(path: "../../../../sql").standardizedFileURL

    @Test func `is the folder, file by file and in order`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path()).sorted()
        #expect(SchemaInstaller.files.map(\.name) == names.filter { $0.hasSuffix(".sql") })
        for file in SchemaInstaller.files {
            #expect(try Data(contentsOf: Self.folder.appending(path: file.name)) == Data(file.text.utf8))
        }
    }

    @Test func `is the folder of SQLite's statements, too`() throws {
        let folder = Self.folder.appending(path: "sqlite")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path()).sorted()
        #expect(SQLiteStatements.files.map(\.name) == names)
        for file in SQLiteStatements.files {
            #expect(try Data(contentsOf: folder.appending(path: file.name)) == Data(file.text.utf8))
        }
    }

    /// A statement that nothing runs is dead; one that is not there would end the program when it is needed.
    @Test func `has exactly the statements that the program names`() throws {
        let sources = Self.folder.appending(path: "../Sources/Adapters/SQLite").standardizedFileURL
        let text = try FileManager.default.contentsOfDirectory(at: sources, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "swift" }.map { try String(contentsOf: $0, encoding: .utf8) }.joined()
        let names = SQLiteStatements.embedded.names
        #expect(names.count > 70)
        for name in names { #expect(text.contains("\"\(name)\""), "\(name)") }
        let called = try Regex(#"(?:\brows?|\brun|\bdelete)\(\s*"([a-z_]+)"|statements\["([a-z_]+)"\]"#)
        for match in text.matches(of: called) {
            guard let name = match.output[1].substring ?? match.output[2].substring else { continue }
            #expect(names.contains(String(name)), "\(name)")
        }
    }

    @Test func `defines and grants every function that is called`() {
        for call in TrackingContract.calls {
            #expect(SchemaInstaller.allText.contains("CREATE OR REPLACE FUNCTION public.\(call.function)("))
            #expect(SchemaInstaller.allText.contains("'\(call.function)("), "\(call.function) is not granted")
        }
    }

    @Test func `grants nothing else`() throws {
        let list = try #require(SchemaInstaller.allText.components(separatedBy: "v_api constant text[] := ARRAY[").last)
        let granted = list.prefix { $0 != ";" }.components(separatedBy: "\n").compactMap { line in
            line.contains("'") ? String(line.drop { $0 != "'" }.dropFirst().prefix { $0 != "(" }) : nil
        }
        #expect(granted.sorted() == TrackingContract.calls.map { $0.function }.sorted())
    }

    @Test func `has every call in the list of them all`() throws {
        let sources = Self.folder.appending(path: "../Sources/Migration/Contract").standardizedFileURL
        var functions: [String] = []
        for file in try FileManager.default.contentsOfDirectory(at: sources, includingPropertiesForKeys: nil) {
            let parts = try String(contentsOf: file, encoding: .utf8).components(
                separatedBy: "static let function = \""
            )
            functions += parts.dropFirst().map { String($0.prefix { $0 != "\"" }) }
        }
        #expect(functions.sorted() == TrackingContract.calls.map { $0.function }.sorted())
    }

    @Test func `counts the same failures as the record's own as the program does`() throws {
        let list = FailedRecord.contentCodes.map { "'\($0)'" }.joined(separator: ", ")
        #expect(SchemaInstaller.allText.contains("SELECT ARRAY[\(list)]"))
        #expect(SchemaInstaller.allText.components(separatedBy: "'no_member_code'").count == 2, "one list")
    }

    @Test func `announces the version this program is written for`() {
        #expect(SchemaInstaller.allText.contains(#"SELECT '{"version": \#(SchemaInstaller.version), "#))
        #expect(SchemaInstaller.problem(of: .init(version: SchemaInstaller.version, minClient: 1)) == nil)
        #expect(SchemaInstaller.problem(of: FakeSupabase.schemaVersion) == nil)
        // A program of the version before would write points without their source.
        #expect(SchemaInstaller.allText.contains(#""min_client": 2}'"#))
        #expect(SchemaInstaller.problem(of: .init(version: 0, minClient: 0))?.contains("migrate setup") == true)
        #expect(SchemaInstaller.problem(of: .init(version: 9, minClient: 9))?.contains("newer") == true)
        #expect(SchemaInstaller.problem(of: .init(version: 9, minClient: 1)) == nil)
    }
}

@Suite struct `A PostgreSQL address` {
    private func login(_ url: String, allowsPlaintext: Bool = false) throws -> PostgresLogin {
        try PostgresLogin(Secret(url), allowsPlaintext: allowsPlaintext)
    }

    @Test func `is named by host, port and database alone`() throws {
        let login = try login("postgresql://user:hunter2@db.example:6543/app?sslmode=verify-full")
        #expect("\(login)" == "db.example:6543/app")
        #expect(!String(reflecting: login).contains("hunter2"))
        var dumped = ""
        dump(login, to: &dumped)
        #expect(!dumped.contains("hunter2"))
    }

    @Test(arguments: ["", "nonsense", "http://x/y", "postgresql://u:hunter2@h:port/d", "postgresql://h/d?service=x"])
    func `is refused without being quoted`(url: String) {
        let failure = #expect(throws: PortFailure.self) { try login(url) }
        #expect(failure?.kind == .rejected)
        #expect(failure?.detail.contains("hunter2") == false)
    }

    @Test(arguments: ["disable", "allow", "prefer", "require", "verify-ca"])
    func `with a weak sslmode is refused for another host, unless it is allowed`(mode: String) throws {
        let url = "postgresql://u:hunter2@db.example/app?sslmode=\(mode)"
        let failure = #expect(throws: PortFailure.self) { try login(url) }
        #expect(failure?.kind == .unauthorised)
        #expect(failure?.detail.contains("hunter2") == false)
        #expect(throws: Never.self) { try login(url, allowsPlaintext: true) }
        #expect(throws: Never.self) { try login("postgresql://u@127.0.0.1/app?sslmode=\(mode)") }
        #expect(throws: Never.self) { try login("postgresql://u@/app?host=/run/postgresql&sslmode=\(mode)") }
        #expect(throws: PortFailure.self) { try login("postgresql://localhost/app?hostaddr=10.0.0.1&sslmode=\(mode)") }
        #expect(throws: PortFailure.self) { try login("postgresql://localhost,db.example/app?sslmode=\(mode)") }
    }

    @Test func `without an sslmode is verified for another host`() throws {
        let login = try login("postgresql://u@db.example/app")
        #expect(login.overrides.contains { $0.keyword == "sslmode" && $0.value == "verify-full" })
    }
}
