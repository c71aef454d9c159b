import FoundationEssentials
package import Migration
import Subprocess
import Synchronization
import SystemPackage

/// Worker processes that run this same program, with their settings in their environment.
///
/// Each is the leader of its own process group, so that a Ctrl-C reaches only the parent, which then asks them to stop
/// in order. Each can read its standard input for as long as the parent lives.
package struct ChildProcesses: WorkerProcesses {
    /// The time from SIGTERM to SIGKILL.
    package static let patience = Duration.seconds(10)

    private let environment: [String: String]
    private let arguments: @Sendable (JobID) -> [String]

    /// Makes the processes of one program.
    ///
    /// - Parameters:
    ///   - environment: their whole environment.
    ///   - arguments: the arguments after the program's name.
    package init(environment: [String: String], arguments: @escaping @Sendable (JobID) -> [String]) {
        self.environment = environment
        self.arguments = arguments
    }

    package func run(
        _ job: JobID,
        until stop: StopSignal,
        hear: @escaping @Sendable (MigrationEvent) -> Void
    ) async -> WorkerProcessEnd {
        var options = PlatformOptions()
        options.processGroupID = 0
        do {
            let ended = try await Subprocess.run(
                // Not by its path, where a newer program may have been installed since.
                .path("/proc/self/exe"),
                arguments: Arguments(executablePathOverride: "migrate", remainingValues: arguments(job)),
                environment: .custom(environment.map { Array("\($0)=\($1)\0".utf8) }),
                platformOptions: options,
                input: .inputWriter,
                output: .sequence,
                error: .currentStandardError
            ) { process in
                await withTaskGroup(of: Heard?.self) { group in
                    group.addTask { Heard(reason: await Self.listen(to: process.standardOutput, hear)) }
                    group.addTask {
                        await stop.wait(for: .drain)
                        if Task.isCancelled { return nil }
                        await process.teardown(
                            using: [.send(signal: .terminate, allowedDurationToNextStep: Self.patience)]
                        )
                        return nil
                    }
                    group.addTask {
                        await stop.wait(for: .release)
                        if !Task.isCancelled { try? process.send(signal: .terminate) }
                        return nil
                    }
                    var reason: StopReason?
                    for await case let heard? in group {
                        // Its output ends when the process ends.
                        reason = heard.reason
                        group.cancelAll()
                    }
                    return reason
                }
            }
            if let reason = ended.closureResult { return .left(reason) }
            switch ended.terminationStatus {
            case .exited(let code): return .died("ended with exit code \(code)")
            case .signaled(let signal): return .died("was killed by signal \(signal)")
            }
        } catch {
            // The error may quote the environment, and so a secret.
            let reason = (error as? SubprocessError)?.underlyingError.map { ": \($0)" } ?? ""
            return .died("could not be started\(reason)")
        }
    }

    private struct Heard {
        let reason: StopReason?
    }

    /// Passes on the events that the process reports, until its output ends.
    ///
    /// - Returns: why it stopped, if it reported that.
    private static func listen(
        to output: SubprocessOutputSequence,
        _ hear: @Sendable (MigrationEvent) -> Void
    ) async -> StopReason? {
        var reason: StopReason?
        do {
            for try await line in output.strings() {
                // A killed process may have written half a line.
                guard let event = try? JSONDecoder().decode(MigrationEvent.self, from: Data(line.utf8)) else {
                    continue
                }
                if case .stopping(let why) = event { reason = why } else { hear(event) }
            }
        } catch {
            // Its output cannot be read any more; its end shows the rest.
        }
        return reason
    }
}
