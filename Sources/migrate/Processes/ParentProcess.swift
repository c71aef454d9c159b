import Basics
import FoundationEssentials
import Glibc
import Migration
import Synchronization

/// The process that started this one as a worker: it reads our standard output, and holds the other end of our standard
/// input.
final class ParentProcess: Sendable {
    private let encoder = Mutex(JSONEncoder())

    /// Reports an event to it, one line of JSON per event; events that it sees or counts by itself are left out.
    func tell(_ event: MigrationEvent) {
        switch event {
        case .claimed, .finished, .leaseLost, .recordFailed, .manyMissing, .pointsRemoved, .embedded, .throttled,
            .waitCut, .limitsLearned, .retrying, .reaped, .stopping, .cacheGivenUp,
            .cacheDamaged:
            encoder.withLock { encoder in
                // If the parent is dead, the event can be dropped.
                guard let line = try? encoder.encode(event) else { return }
                Self.write(line + Data("\n".utf8))
            }
        case .jobOpened, .controlling, .planned, .uncounted, .sealed, .isolated, .workerEnded, .paused,
            .waitingForLeases, .progress:
            break
        }
    }

    /// Writes the whole line, unless the parent stops reading.
    private static func write(_ line: Data) {
        var rest = line[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 || (count < 0 && errno == EINTR) else { return }
            rest = rest.dropFirst(max(count, 0))
        }
    }

    /// Raises `stop` when the parent has died: it never writes, so our input ends only when it ends.
    func watch(raising stop: StopSignal) {
        // A thread of its own, because it blocks until then.
        OwnThread.run {
            var byte: UInt8 = 0
            while unsafe read(STDIN_FILENO, &byte, 1) > 0 {}
            stop.raise(.drain)
        }
    }
}

/// The worker processes of `migrate run --processes`.
struct WorkerPool: Sendable {
    let count: Int
    /// Makes the object that starts them, once it is decided to whom the points without a source belong.
    let processes: @Sendable (UnmarkedPoints) -> any WorkerProcesses
}
