import Migration
import Testing

@Suite struct StopSignalTests {
    @Test func `the level only rises`() {
        let signal = StopSignal()
        signal.raise(.release)
        signal.raise(.drain)
        #expect(signal.level == .release)
    }

    @Test func `a wait ends when the level is reached`() async {
        let signal = StopSignal()
        await withTaskGroup(of: StopSignal.Level.self) { group in
            group.addTask {
                await signal.wait(for: .release)
                return signal.level
            }
            group.addTask {
                signal.raise(.drain)
                await Task.yield()
                signal.raise(.release)
                return .release
            }
            for await level in group { #expect(level == .release) }
        }
    }

    @Test func `a wait for a level that is reached already ends at once`() async {
        let signal = StopSignal()
        signal.raise(.drain)
        await signal.wait(for: .drain)
        #expect(signal.level == .drain)
    }

    @Test func `cancelling the task ends the wait, before and after it has begun`() async {
        let signal = StopSignal()
        for _ in 0..<200 {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await signal.wait(for: .drain) }
                group.cancelAll()
            }
        }
        #expect(signal.level == .run)
    }
}

@Suite struct EntropyTests {
    @Test func `ids are version 4 UUIDs and differ`() {
        let entropy = SeededEntropy(1)
        let ids = (0..<100).map { _ in entropy.uuid() }
        #expect(Set(ids).count == 100)
        for id in ids {
            #expect(
                id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil,
                "\(id)"
            )
        }
    }

    @Test func `jitter stays within its share`() {
        let entropy = SeededEntropy(2)
        for _ in 0..<1000 {
            let wait = entropy.jittered(.seconds(10), by: 0.2)
            #expect(wait >= .seconds(8) && wait <= .seconds(12))
        }
    }
}
