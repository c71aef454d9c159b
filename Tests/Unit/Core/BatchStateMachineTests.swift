// Longer than 300 lines: every state with every event.

import Migration
import Testing

@Suite struct BatchStateMachineTests {
    typealias Machine = BatchStateMachine
    let wide = RequestLimits(inputsMax: 100, tokensMax: 1000)

    func machine(
        _ readings: [Machine.Reading],
        limits: RequestLimits? = nil,
        look: Machine.Look = .first
    ) -> Machine {
        var machine = Machine(
            ids: (0..<Int64(readings.count)).map { 100 + $0 },
            limits: limits ?? wide,
            pointsPerWrite: 200,
            look: look
        )
        machine.apply(.read(readings))
        return machine
    }

    func request(_ chunks: [(record: Int, chunk: Int, tokens: Int)], bytes: Int? = nil) -> EmbeddingRequest {
        EmbeddingRequest(
            chunks: chunks.map {
                ChunkToEmbed(record: $0.record, chunk: $0.chunk, tokens: $0.tokens, bytes: bytes ?? $0.tokens * 4)
            }
        )
    }

    func chunks(_ tokens: Int...) -> Machine.Reading { .chunks(tokens.map { (tokens: $0, bytes: $0 * 4) }) }

    @Test func `a batch begins by reading`() {
        #expect(Machine(ids: [1], limits: wide, pointsPerWrite: 200).next == .read)
    }

    @Test func `a row that is not there at the first look is not counted, and nothing of it is removed`() {
        let failure = FailedRecord(recordId: 102, stage: .fetch, code: "too_long", message: "m", permanent: true)
        var machine = machine([.missing, .blank, .failed(failure)])
        #expect(machine.next == .lookUp([0, 1]), "a record that has failed keeps its points: they are not looked up")
        machine.apply(.lookedUp(LookUp()))
        #expect(machine.next == .complete(BatchCounts(skipped: 1, failed: 1), [failure], left: []))
        #expect(machine.doubtful == [0])
    }

    @Test func `a blank row that holds points is read a second time before they go`() {
        var machine = machine([.blank, .blank])
        machine.apply(.lookedUp(LookUp(holding: [1])))
        #expect(machine.next == .complete(BatchCounts(skipped: 1), [], left: []))
        #expect(machine.doubtful == [1])
    }

    @Test func `what has no text at the second look either loses its points and is counted`() {
        let failure = FailedRecord(recordId: 102, stage: .decode, code: "no_member_code", message: "m", permanent: true)
        var machine = machine([.missing, .blank, .failed(failure)], look: .second)
        #expect(machine.next == .remove([0, 1]))
        machine.apply(.removed(holding: [1]))
        #expect(machine.next == .complete(BatchCounts(skipped: 1, failed: 1, missing: 1), [failure], left: []))
        #expect(machine.doubtful.isEmpty)
        #expect(machine.removed == 1)
    }

    @Test func `a row that is there at the second look goes the whole way`() {
        var machine = machine([chunks(5), .missing], look: .second)
        #expect(machine.next == .remove([1]))
        machine.apply(.removed(holding: []))
        #expect(machine.next == .lookUp([0]))
        machine.apply(.lookedUp(LookUp()))
        #expect(goOn(&machine) == .complete(BatchCounts(processed: 1, missing: 1), [], left: []))
    }

    @Test func `unchanged records are processed and never paid for`() {
        var machine = machine([chunks(5), chunks(7)])
        #expect(machine.next == .lookUp([0, 1]))
        machine.apply(.lookedUp(LookUp(unchanged: [0, 1])))
        #expect(machine.next == .complete(BatchCounts(processed: 2), [], left: []))
    }

    func pieces(_ record: Int, _ children: Int...) -> [Piece] {
        [Piece(record: record, part: .parent(0))] + children.map { Piece(record: record, part: .child($0)) }
    }

    /// Everything goes well until the machine asks for something else than `stop`.
    func goOn(_ machine: inout Machine, isBad: (EmbeddingRequest) -> Bool = { _ in false }) -> Machine.Effect {
        for _ in 0..<1000 {
            switch machine.next {
            case .embed(let request) where !isBad(request): machine.apply(.embedded(request))
            case .write(let pieces): machine.apply(.written(pieces))
            case .retire(let places): machine.apply(.retired(places))
            case let other: return other
            }
        }
        return machine.next
    }

    @Test func `a record that fits a request is written whole, as soon as its vectors are there`() {
        var machine = machine([chunks(600), chunks(300, 300), chunks(400)])
        machine.apply(.lookedUp(LookUp()))
        let first = request([(0, 0, 600), (2, 0, 400)])
        #expect(machine.next == .embed(first))
        machine.apply(.embedded(first))
        #expect(machine.next == .write(pieces(0, 0) + pieces(2, 0)))
        machine.apply(.written(pieces(0, 0) + pieces(2, 0)))
        #expect(machine.next == .retire([0, 2]), "older points go when every new one is there")
        machine.apply(.retired([0, 2]))
        #expect(machine.counts == BatchCounts(processed: 2))
        let second = request([(1, 0, 300), (1, 1, 300)])
        #expect(machine.next == .embed(second))
        machine.apply(.embedded(second))
        #expect(machine.next == .write(pieces(1, 0, 1)))
        #expect(goOn(&machine) == .complete(BatchCounts(processed: 3), [], left: []))
    }

    @Test func `a record of several requests is written in parts, and retired when the last one is there`() {
        var machine = machine([.chunks([600, 600, 600].map { (tokens: $0, bytes: 9) }, parents: 2)])
        machine.apply(.lookedUp(LookUp()))
        machine.apply(.embedded(request([(0, 0, 600)], bytes: 9)))
        let parents = [Piece(record: 0, part: .parent(0)), Piece(record: 0, part: .parent(1))]
        #expect(machine.next == .write(parents + [Piece(record: 0, part: .child(0))]), "parents first")
        machine.apply(.written(parents + [Piece(record: 0, part: .child(0))]))
        machine.apply(.embedded(request([(0, 1, 600)], bytes: 9)))
        #expect(machine.next == .write([Piece(record: 0, part: .child(1))]))
        machine.apply(.written([Piece(record: 0, part: .child(1))]))
        guard case .embed(let last) = machine.next else { return #expect(Bool(false), "\(machine.next)") }
        machine.apply(.embedded(last))
        machine.apply(.written([Piece(record: 0, part: .child(2))]))
        #expect(machine.next == .retire([0]))
    }

    @Test func `of a record that is half there only the rest is embedded and written`() {
        var machine = machine([chunks(1, 2, 3), chunks(4), chunks(5)])
        machine.apply(
            .lookedUp(
                LookUp(
                    there: Set(pieces(0, 0, 2) + [Piece(record: 1, part: .child(0))] + pieces(2, 0))
                )
            )
        )
        // Of record 1 only the parent is missing, of record 2 nothing: only its older points go.
        #expect(machine.next == .write([Piece(record: 1, part: .parent(0))]))
        machine.apply(.written([Piece(record: 1, part: .parent(0))]))
        #expect(machine.next == .retire([1, 2]))
        machine.apply(.retired([1, 2]))
        let rest = request([(0, 1, 2)])
        #expect(machine.next == .embed(rest))
        machine.apply(.embedded(rest))
        #expect(machine.next == .write([Piece(record: 0, part: .child(1))]))
        #expect(goOn(&machine) == .complete(BatchCounts(processed: 3), [], left: []))
    }

    @Test func `a refused request is halved until the one bad text is alone, and only its record fails`() {
        var machine = machine([chunks(1), chunks(1, 1), chunks(1)])
        machine.apply(.lookedUp(LookUp()))
        // The bad text is the first chunk of record 1; each refused request is halved in order.
        var refusals = 0
        while case .embed(let request) = goOn(
            &machine,
            isBad: { $0.chunks.contains { $0.record == 1 && $0.chunk == 0 } }
        ) {
            refusals += 1
            machine.apply(.embeddingRefused(request, code: "invalid_input", message: "refused"))
        }
        #expect(machine.counts == BatchCounts(processed: 2, failed: 1))
        #expect(machine.failures.map(\.recordId) == [101])
        #expect(machine.failures.map(\.stage) == [.embed])
        #expect(refusals <= 4)
    }

    @Test func `a refused write singles the records out, and the good ones are written`() {
        var machine = machine([chunks(1), chunks(1), chunks(1)])
        machine.apply(.lookedUp(LookUp()))
        guard case .embed(let request) = machine.next else { return #expect(Bool(false), "no request") }
        machine.apply(.embedded(request))
        machine.apply(.writeRefused(pieces(0, 0) + pieces(1, 0) + pieces(2, 0), code: "point_refused", message: "m"))
        #expect(machine.next == .write(pieces(0, 0)))
        machine.apply(.written(pieces(0, 0)))
        #expect(machine.next == .write(pieces(1, 0)))
        machine.apply(.writeRefused(pieces(1, 0), code: "point_refused", message: "m"))
        #expect(machine.next == .write(pieces(2, 0)))
        guard case .complete(let counts, let failures, left: []) = goOn(&machine) else {
            return #expect(Bool(false), "not complete")
        }
        #expect(counts == BatchCounts(processed: 2, failed: 1))
        #expect(failures.map(\.stage) == [.upsert])
        #expect(failures.map(\.permanent) == [true])
    }

    @Test func `older points that could not be deleted are tried apart from those of other records`() {
        var machine = machine([chunks(1), chunks(1)])
        machine.apply(.lookedUp(LookUp(there: Set(pieces(0, 0) + pieces(1, 0)), retirements: [0: .alone])))
        #expect(machine.next == .retire([1]))
        machine.apply(.retired([1]))
        #expect(machine.next == .tryRetiring(0))
        machine.apply(.retirementSuspected([0]))
        #expect(machine.next == .complete(BatchCounts(processed: 1), [], left: [0]))
    }

    @Test func `points are tried with no more others than the smallest group among them allows`() {
        let points = pieces(0, 0, 1, 2, 3)
        var lookUp = LookUp(embedded: Set(points.dropFirst()))
        for (point, most) in zip(points, [4, 2, 4, 4, 4]) { lookUp.points[point] = .together(atMost: most) }
        var machine = machine([chunks(1, 1, 1, 1)])
        machine.apply(.lookedUp(lookUp))
        #expect(machine.next == .tryWriting(Array(points[..<2])))
        machine.apply(.written(Array(points[..<2])))
        #expect(machine.next == .tryWriting(Array(points[2...])))
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
        // As the work does it: rounds, until nothing is left; what has failed five times alone is given up.
        var left = Array(0..<size)
        var counts = BatchCounts()
        var failed: [RecordID] = []
        for round in 0..<1000 where !left.isEmpty {
            var machine = Machine(
                ids: left.map { 100 + Int64($0) },
                limits: RequestLimits(inputsMax: 1 + Int(chance.next() % 9), tokensMax: 500),
                pointsPerWrite: 200,
                look: round % 2 == 0 ? .first : .second
            )
            machine.apply(.read(left.map { readings[$0] }))
            let now = left
            let places =
                play(&machine, chance, round: round) { place in
                    if case .chunks = readings[now[place]] { true } else { false }
                } + machine.doubtful
            counts = counts + machine.counts
            failed += machine.failures.map(\.recordId)
            left = places.map { left[$0] }
        }
        #expect(counts.total == size, "seed \(seed)")
        #expect(failed.count == counts.failed, "seed \(seed)")
        #expect(Set(failed).count == failed.count, "seed \(seed)")
    }

    /// Plays one round with failures of every kind; returns the places that are left.
    func play(
        _ machine: inout Machine,
        _ chance: SeededEntropy,
        round: Int,
        hasText: (Int) -> Bool
    ) -> [Int] {
        func refuses() -> Bool { chance.next() % 4 == 0 }
        func suspects() -> Bool { chance.next() % 4 == 0 }
        func condemned(_ place: Int) -> Machine.Event {
            .condemned(
                place,
                FailedRecord(recordId: Int64(place), stage: .embed, code: "c", message: "m", permanent: false)
            )
        }
        for _ in 0..<10_000 {
            switch machine.next {
            case .read: Issue.record("read twice")
            case .remove(let places): machine.apply(.removed(holding: places))
            case .lookUp(let places):
                let texts = places.filter(hasText)
                var lookUp = LookUp(unchanged: texts.filter { _ in chance.next() % 3 == 0 })
                lookUp.holding = places.filter { !texts.contains($0) && chance.next() % 2 == 0 }
                for place in texts where !lookUp.unchanged.contains(place) {
                    let standings: [LookUp.Standing] = [.leave, .together(atMost: 1 + Int(chance.next() % 4)), .alone]
                    for part in [Piece.Part.parent(0), .child(0), .child(1)] {
                        let piece = Piece(record: place, part: part)
                        if chance.next() % 4 == 0 { lookUp.there.insert(piece) }
                        if chance.next() % 6 == 0 { lookUp.points[piece] = standings[Int(chance.next() % 3)] }
                        guard case .child = part else { continue }
                        if chance.next() % 6 == 0 { lookUp.texts[piece] = standings[Int(chance.next() % 3)] }
                        if chance.next() % 8 == 0 { lookUp.embedded.insert(piece) }
                    }
                    if chance.next() % 6 == 0 { lookUp.retirements[place] = standings[Int(chance.next() % 3)] }
                }
                machine.apply(.lookedUp(lookUp))
            case .embed(let request), .tryEmbedding(let request):
                if refuses() {
                    machine.apply(.embeddingRefused(request, code: "c", message: "m"))
                } else if suspects() {
                    let isLast = request.chunks.count == 1 && round > 5
                    machine.apply(isLast ? condemned(request.chunks[0].record) : .embeddingSuspected(request))
                } else {
                    machine.apply(.embedded(request))
                }
            case .write(let pieces), .tryWriting(let pieces):
                if refuses() {
                    machine.apply(.writeRefused(pieces, code: "c", message: "m"))
                } else if suspects() {
                    let isLast = pieces.count == 1 && round > 5
                    machine.apply(isLast ? condemned(pieces[0].record) : .writeSuspected(pieces))
                } else {
                    machine.apply(.written(pieces))
                }
            case .retire(let places):
                machine.apply(suspects() ? .retirementSuspected(places) : .retired(places))
            case .tryRetiring(let place):
                machine.apply(suspects() ? .retirementSuspected([place]) : .retired([place]))
            case .complete(let counts, let failures, let left):
                #expect(counts.failed == failures.count)
                return left
            }
        }
        Issue.record("no end")
        return []
    }
}
