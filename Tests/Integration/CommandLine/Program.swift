import Foundation
import Subprocess

/// A built program, run as a user would, with an environment and a folder of its own.
struct Program: Sendable {
    struct Result: Sendable {
        let status: Int32
        let out: String
        let error: String
    }

    /// The programs lie beside the test bundle, which runs as an executable on Linux.
    static let products = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()

    let path: String
    /// Where it runs; a `.env` there would be read.
    let folder: URL

    /// `migrate`, `migrate-lab` or one of the system by its path; throws where no folder can be made.
    init(_ name: String = "migrate") throws {
        path = name.hasPrefix("/") ? name : Self.products.appending(path: name).path()
        folder = FileManager.default.temporaryDirectory.appending(path: "migrate-test-\(UInt64.random(in: 0...(.max)))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// The one that has this command.
    static func of(_ arguments: [String]) throws -> Program {
        try Program(arguments.first == "simulate" ? "migrate-lab" : "migrate")
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    /// Runs to the end; `environment` is all the program sees, beside a home that is its folder.
    ///
    /// The exit code is 128 + the signal's number where one ended it.
    func run(_ arguments: String..., environment: [String: String] = [:]) async throws -> Result {
        try await run(arguments, environment)
    }

    /// As above, with something beside it that knows its process.
    func run(
        _ arguments: [String],
        _ environment: [String: String] = [:],
        redirecting redirection: String = "",
        beside body: (pid_t) async throws -> Void = { _ in }
    ) async throws -> Result {
        let result = try await Subprocess.run(
            .name("env"),
            arguments: Arguments(words(arguments, environment, redirecting: redirection)),
            input: .none,
            output: .string(limit: 1 << 22),
            error: .string(limit: 1 << 22)
        ) { try await body($0.processIdentifier.value) }
        let status: Int32 =
            switch result.terminationStatus {
            case .exited(let code): code
            case .signaled(let signal): 128 + signal
            }
        return Result(status: status, out: result.standardOutput, error: result.standardError)
    }

    /// For `env`, which empties the environment and changes the folder; then it is the program itself.
    ///
    /// A redirection is the shell's, such as `>&-`, which closes standard output.
    func words(
        _ arguments: [String],
        _ environment: [String: String],
        redirecting redirection: String = ""
    ) -> [String] {
        let variables = environment.merging(["HOME": folder.path(), "PATH": "/usr/bin:/bin"]) { given, _ in given }
        let shell = redirection.isEmpty ? [] : ["sh", "-c", "exec \"$0\" \"$@\" \(redirection)"]
        return ["--ignore-environment", "--chdir=\(folder.path())"] + variables.map { "\($0)=\($1)" } + shell
            + [path] + arguments
    }
}
