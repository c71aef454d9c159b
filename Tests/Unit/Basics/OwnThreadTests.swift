import Basics
import Dispatch
import Glibc
import Synchronization
import Testing

@Suite struct `A thread of one's own` {
    private final class Token: Sendable {
        let gone: DispatchSemaphore

        init(_ gone: DispatchSemaphore) { self.gone = gone }
        deinit { gone.signal() }
    }

    @Test func `runs what it is given, elsewhere and at once`() async {
        let here = pthread_self()
        let there = await withCheckedContinuation { answer in OwnThread.run { answer.resume(returning: pthread_self()) }
        }
        #expect(pthread_equal(here, there) == 0)
    }

    @Test func `lets go of what it was given when that has ended, and not before`() {
        let gone = DispatchSemaphore(value: 0)
        let goOn = DispatchSemaphore(value: 0)
        let started = DispatchSemaphore(value: 0)
        func begin() {
            let token = Token(gone)
            OwnThread.run {
                started.signal()
                goOn.wait()
                withExtendedLifetime(token) {}
            }
        }
        begin()
        started.wait()
        #expect(gone.wait(timeout: .now()) == .timedOut)
        goOn.signal()
        #expect(gone.wait(timeout: .now() + 60) == .success)
    }

    @Test func `is there for two hundred callers at once`() async {
        let all = DispatchSemaphore(value: 0)
        let sum = await withTaskGroup(of: Int.self) { group in
            for number in 0..<200 {
                group.addTask {
                    await withCheckedContinuation { answer in
                        OwnThread.run {
                            // None ends before the last has begun.
                            if number == 199 { for _ in 0..<199 { all.signal() } } else { all.wait() }
                            answer.resume(returning: number)
                        }
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(sum == 19_900)
    }
}
