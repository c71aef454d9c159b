import Basics
import Glibc
import Synchronization
import Testing

@Suite struct `A thread executor` {
    private actor Diary {
        nonisolated let executor: ThreadExecutor
        nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }
        private var entries: [Int] = []

        init(_ executor: ThreadExecutor) { self.executor = executor }
        deinit { executor.stop() }

        func add(_ entry: Int) -> pthread_t {
            entries.append(entry)
            executor.checkIsolated()
            return pthread_self()
        }
        var all: [Int] { entries }
    }

    @Test func `runs every call of its actor on the same thread and in order`() async {
        let diary = Diary(ThreadExecutor(name: "diary"))
        var threads: Set<pthread_t> = []
        for entry in 0..<100 { threads.insert(await diary.add(entry)) }
        #expect(threads.count == 1)
        #expect(!threads.contains(pthread_self()))
        #expect(await diary.all == Array(0..<100))
    }

    @Test func `loses no job when many tasks call at once`() async {
        let diary = Diary(ThreadExecutor(name: "diary"))
        await withTaskGroup { group in
            for entry in 0..<500 { group.addTask { _ = await diary.add(entry) } }
        }
        #expect(await diary.all.sorted() == Array(0..<500))
    }

    @Test func `runs its hooks on the thread, before the first job and after the last`() async {
        let (events, continuation) = AsyncStream<String>.makeStream()
        do {
            let executor = ThreadExecutor(
                name: "hooks",
                onStart: { continuation.yield("start") },
                onStop: {
                    continuation.yield("stop")
                    continuation.finish()
                }
            )
            let diary = Diary(executor)
            _ = await diary.add(1)
            continuation.yield("job")
        }
        var seen: [String] = []
        for await event in events { seen.append(event) }
        #expect(seen == ["start", "job", "stop"])
    }

    @Test func `serves as a task executor preference`() async {
        let executor = ThreadExecutor(name: "preference")
        let ran = await withTaskExecutorPreference(executor) { () async -> Bool in
            await onPreferredExecutor(executor)
        }
        #expect(ran)
        executor.stop()
    }

    @concurrent
    private func onPreferredExecutor(_ executor: ThreadExecutor) async -> Bool {
        executor.isIsolatingCurrentContext() == true
    }
}
