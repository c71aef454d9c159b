package import Migration
import Synchronization

/// The notes of all runners of one host, in memory: they outlive a process that is killed.
package final class FakeHost: Sendable {
    fileprivate struct Notes: Sendable {
        let process: Int
        var job: JobMark
        var claims: [LeaseNote] = []
        var isAlive = true
        /// The process that is taking it over, if there is one.
        var successor: Int?
    }

    fileprivate struct State: Sendable {
        var processes = 0
        /// Killed processes: a simulation may still run them, but they write nothing.
        var killed: Set<Int> = []
        var notes: [Notes] = []
    }

    fileprivate let state = Mutex(State())

    package init() {}

    /// The journal of a new process on this host.
    package func journal() -> FakeLeaseJournal {
        let process = state.withLock { state in
            state.processes += 1
            return state.processes
        }
        return FakeLeaseJournal(host: self, process: process)
    }

    /// All notes, in the order of the processes.
    package var noted: [LeaseNote] { state.withLock { $0.notes.flatMap(\.claims) } }

    /// The notes of claims.
    package var claims: [LeaseNote] { noted.filter { !$0.isControl } }
}

/// The fake of a locked file: a process writes its own notes and takes over those of dead processes.
package final class FakeLeaseJournal: LeaseJournal {
    private let host: FakeHost
    private let process: Int

    fileprivate init(host: FakeHost, process: Int) {
        self.host = host
        self.process = process
    }

    /// Acts as if the process were killed: its notes stay, and no process guards them any more.
    package func die() {
        host.state.withLock { state in
            state.killed.insert(process)
            for index in state.notes.indices {
                if state.notes[index].process == process { state.notes[index].isAlive = false }
                if state.notes[index].successor == process { state.notes[index].successor = nil }
            }
        }
    }

    package func note(_ note: LeaseNote, of job: JobMark) async {
        host.state.withLock { state in
            if state.killed.contains(process) { return }
            guard let index = ours(state) else {
                state.notes.append(FakeHost.Notes(process: process, job: job, claims: [note]))
                return
            }
            state.notes[index].job = job
            state.notes[index].claims.removeAll { $0.token == note.token }
            state.notes[index].claims.append(note)
        }
    }

    package func strike(_ token: String) async {
        host.state.withLock { state in
            guard let index = ours(state) else { return }
            state.notes[index].claims.removeAll { $0.token == token }
        }
    }

    package func close() async {
        host.state.withLock { state in
            guard let index = ours(state) else { return }
            state.notes[index].isAlive = false
            if state.notes[index].claims.isEmpty { state.notes.remove(at: index) }
        }
    }

    package func leftBehind(in job: JobMark) async -> [LeaseNote] {
        host.state.withLock { state in
            if state.killed.contains(process) { return [] }
            var claims: [LeaseNote] = []
            for index in state.notes.indices {
                let notes = state.notes[index]
                guard !notes.isAlive, notes.successor == nil, notes.job == job else { continue }
                state.notes[index].successor = process
                claims += notes.claims
            }
            return claims
        }
    }

    package func settle(isDone: Bool) async {
        host.state.withLock { state in
            if isDone { state.notes.removeAll { $0.successor == process } }
            for index in state.notes.indices where state.notes[index].successor == process {
                state.notes[index].successor = nil
            }
        }
    }

    private func ours(_ state: FakeHost.State) -> Int? {
        state.notes.firstIndex { $0.process == process && $0.isAlive }
    }
}
