import Migration
import Testing

@Suite struct BatchStateMachineTests {
    typealias Machine = BatchStateMachine
    let wide = RequestLimits(inputsMax: 100, tokensMax: 1000)

    func machine(_ readings: [Machine.Reading], limits: RequestLimits? = nil) -> Machine {
        var machine = Machine(ids: (0..<Int64(readings.count)).map { 100 + $0 }, limits: limits ?? wide)
        machine.apply(.read(readings))
        return machine
    }

    func request(_ chunks: [(record: Int, chunk: Int, tokens: Int)]) -> EmbeddingRequest {
        EmbeddingRequest(
            chunks: chunks.map {
                ChunkToEmbed(record: $0.record, chunk: $0.chunk, tokens: $0.tokens, bytes: $0.tokens * 4)
            }
        )
    }

    func chunks(_ tokens: Int...) -> Machine.Reading { .chunks(tokens.map { (tokens: $0, bytes: $0 * 4) }) }

    @Test func `a batch begins by reading`() {
        #expect(Machine(ids: [1], limits: wide).next == .read)
    }

    @Test func `a batch whose records are gone or blank completes without looking anything up`() {
        let failure = FailedRecord(recordId: 102, stage: .fetch, code: "too_long", message: "m", permanent: true)
        let machine = machine([.missing, .blank, .failed(failure)])
        #expect(machine.next == .complete(BatchCounts(skipped: 1, failed: 1, missing: 1), [failure]))
    }

    @Test func `unchanged records are processed and never paid for`() {
        var machine = machine([chunks(5), chunks(7)])
        #expect(machine.next == .lookUp([0, 1]))
        machine.apply(.lookedUp(unchanged: [0, 1]))
        #expect(machine.next == .complete(BatchCounts(processed: 2), []))
    }

    @Test func `a record is written as soon as its last vector is there`() {
        var machine = machine([chunks(600), chunks(300, 300), chunks(500)])
        machine.apply(.lookedUp(unchanged: []))
        let first = request([(0, 0, 600), (1, 0, 300)])
        #expect(machine.next == .embed(first))
        machine.apply(.embedded(first))
        #expect(machine.next == .write([0]))
        machine.apply(.written([0]))
        let second = request([(1, 1, 300), (2, 0, 500)])
        #expect(machine.next == .embed(second))
        #expect(machine.counts == BatchCounts(processed: 1))
        machine.apply(.embedded(second))
        #expect(machine.next == .write([1, 2]))
        machine.apply(.written([1, 2]))
        #expect(machine.next == .complete(BatchCounts(processed: 3), []))
    }

    @Test func `a refused request is halved until the one bad text is alone, and only its record fails`() {
        var machine = machine([chunks(1), chunks(1, 1), chunks(1)])
        machine.apply(.lookedUp(unchanged: []))
        // The bad text is the first chunk of record 1; each refused request is halved in order.
        var refusals = 0
        loop: while true {
            switch machine.next {
            case .embed(let request):
                if request.chunks.contains(where: { $0.record == 1 && $0.chunk == 0 }) {
                    refusals += 1
                    machine.apply(.embeddingRefused(request, code: "invalid_input", message: "refused"))
                } else {
                    #expect(
                        request.chunks.allSatisfy { $0.record != 1 },
                        "a failed record's other texts are not paid for"
                    )
                    machine.apply(.embedded(request))
                }
            case .write(let places): machine.apply(.written(places))
            case .complete(let counts, let failures):
                #expect(counts == BatchCounts(processed: 2, failed: 1))
                #expect(failures.map(\.recordId) == [101])
                #expect(failures.map(\.stage) == [.embed])
                break loop
            default: Issue.record("unexpected effect \(machine.next)")
            }
        }
        #expect(refusals == 3)
    }

    @Test func `a refused write singles the records out, and the good ones are written`() {
        var machine = machine([chunks(1), chunks(1), chunks(1)])
        machine.apply(.lookedUp(unchanged: []))
        guard case .embed(let request) = machine.next else { return #expect(Bool(false), "no request") }
        machine.apply(.embedded(request))
        machine.apply(.writeRefused([0, 1, 2], code: "point_refused", message: "m"))
        #expect(machine.next == .write([0]))
        machine.apply(.written([0]))
        #expect(machine.next == .write([1]))
        machine.apply(.writeRefused([1], code: "point_refused", message: "m"))
        #expect(machine.next == .write([2]))
        machine.apply(.written([2]))
        guard case .complete(let counts, let failures) = machine.next else {
            return #expect(Bool(false), "not complete")
        }
        #expect(counts == BatchCounts(processed: 2, failed: 1))
        #expect(failures.map(\.stage) == [.upsert])
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func `whatever happens, the counts of a completed batch add up`(seed: UInt64) {
        let chance = SeededEntropy(seed)
        let size = 1 + Int(chance.next() % 20)
        let readings: [Machine.Reading] = (0..<size).map { place in
            switch chance.next() % 6 {
            case 0: return .missing
            case 1: return .blank
            case 2:
                return .failed(
                    FailedRecord(recordId: 100 + Int64(place), stage: .decode, code: "c", message: "m", permanent: true)
                )
            default:
                return .chunks(
                    (0...Int(chance.next() % 4)).map { _ in (tokens: 1 + Int(chance.next() % 400), bytes: 9) }
                )
            }
        }
        var machine = machine(readings, limits: RequestLimits(inputsMax: 1 + Int(chance.next() % 9), tokensMax: 500))
        var steps = 0
        while steps < 10_000 {
            steps += 1
            let isRefused = chance.next() % 4 == 0
            switch machine.next {
            case .read: Issue.record("read twice, seed \(seed)")
            case .lookUp(let places): machine.apply(.lookedUp(unchanged: places.filter { _ in chance.next() % 3 == 0 }))
            case .embed(let request):
                machine.apply(isRefused ? .embeddingRefused(request, code: "c", message: "m") : .embedded(request))
            case .write(let places):
                machine.apply(isRefused ? .writeRefused(places, code: "c", message: "m") : .written(places))
            case .complete(let counts, let failures):
                #expect(counts.total == size, "seed \(seed)")
                #expect(failures.count == counts.failed, "seed \(seed)")
                #expect(Set(failures.map(\.recordId)).count == failures.count, "seed \(seed)")
                return
            }
        }
        Issue.record("no end after \(steps) steps, seed \(seed)")
    }
}
