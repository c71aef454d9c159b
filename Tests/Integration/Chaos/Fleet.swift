import Foundation
import Synchronization

/// The processes that work on one job: a process that ends before the job is started again.
final class Fleet: Sendable {
    /// What a process is told to do.
    enum Seat: CaseIterable {
        /// Opens the job and plans it.
        case planner
        /// A second controller, with its workers in processes of their own.
        case parent
        /// Works only.
        case worker
        /// Works only, and never finds the notes of processes that died here: as if on another host.
        case stranger
    }

    private struct State {
        var isOver = false
        var starts = 0
        var exits: [Int32: Int] = [:]
        var problems: [String] = []
        var refusals = 0
    }

    /// Every exit code that a fault excuses: the job ended, a service was away at the start, interrupted, killed, ended by
    /// SIGTERM before the program listened for it.
    private static let excused: Set<Int32> = [0, 1, 69, 75, 128 + SIGKILL, 128 + SIGTERM]

    private let stage: Stage
    private let settings: [String: String]
    private let state = Mutex(State())

    /// For the processes of one stage, with settings on top of the stage's.
    init(_ stage: Stage, _ settings: [String: String]) {
        self.stage = stage
        self.settings = settings
    }

    var problems: [String] { state.withLock { $0.problems } }
    var starts: Int { state.withLock { $0.starts } }
    /// How often processes said that they had lost a batch to another owner.
    var refusals: Int { state.withLock { $0.refusals } }
    var exits: String {
        state.withLock { $0.exits }.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
    }

    /// From now on no process is started again.
    func end() { state.withLock { $0.isOver = true } }

    /// Keeps one process at work.
    func keep(_ seat: Seat) async {
        var run = 0
        while !state.withLock(\.isOver) {
            state.withLock { $0.starts += 1 }
            let (arguments, changes) = command(seat, run)
            run += 1
            do {
                let ended = try await stage.program.run(
                    arguments,
                    stage.settings.merging(settings) { $1 }.merging(changes) { $1 }
                )
                // I24: no process leaves an open job except after a signal or a refusal.
                let left = ended.status <= 1 ? await stage.isSurelyOpen() : false
                note(ended, arguments, hasLeft: left)
            } catch {
                state.withLock { $0.problems.append("\(arguments) could not be run: \(error)") }
                return
            }
            await pause(.milliseconds(300))
        }
    }

    private func command(_ seat: Seat, _ run: Int) -> (arguments: [String], changes: [String: String]) {
        let folder = stage.program.folder.path()
        switch seat {
        case .planner:
            return (["run", run == 0 ? "--new" : "--resume", "--yes", "--workers", "2"], [:])
        case .parent:
            return (["run", "--resume", "--yes", "--processes", "2"], ["STATE_DIRECTORY": folder + "/parent"])
        case .worker:
            return (["worker", "--job", "1", "--workers", "2"], ["STATE_DIRECTORY": folder + "/worker"])
        case .stranger:
            return (["worker", "--job", "1", "--workers", "1"], ["STATE_DIRECTORY": folder + "/stranger-\(run)"])
        }
    }

    private func note(_ ended: Program.Result, _ arguments: [String], hasLeft: Bool) {
        let said = ended.out + ended.error
        var problems: [String] = []
        if !Self.excused.contains(ended.status) {
            problems.append("\(arguments) ended with \(ended.status): \(ended.error.suffix(1500))")
        }
        if hasLeft { problems.append("\(arguments) left an open job: \(said.suffix(1500))") }
        if stage.secrets.contains(where: said.contains) { problems.append("\(arguments) printed a secret") }
        state.withLock {
            $0.exits[ended.status, default: 0] += 1
            $0.refusals += said.components(separatedBy: "Lease lost").count - 1
            $0.problems += problems
        }
    }

    // MARK: - Its processes

    /// Every process of the program that runs in the stage's folder and works: also the children of one that has died.
    func processes() -> [pid_t] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap { pid_t($0) }.sorted().filter(isOurs)
    }

    func isOurs(_ process: pid_t) -> Bool {
        let folder = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")
        guard folder == stage.program.folder.path() || folder.map({ $0 + "/" }) == stage.program.folder.path(),
            let line = try? Processes.commandLine(process)
        else { return false }
        let words = line.split(separator: " ")
        return words.count > 1 && words[0].hasSuffix("migrate") && (words[1] == "run" || words[1] == "worker")
    }

    /// Sends a signal to one of ours.
    ///
    /// - Returns: false when it had ended.
    @discardableResult
    func signal(_ process: pid_t, _ number: Int32) -> Bool { isOurs(process) && kill(process, number) == 0 }
}

/// Lets some time pass for real processes.
func pause(_ duration: Duration) async { try? await ContinuousClock().sleep(for: duration) }
