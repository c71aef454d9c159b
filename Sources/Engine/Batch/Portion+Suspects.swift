import Migration

/// What the work remembers about isolated failures, across attempts at a batch.
extension Portion {
    private var policy: Suspicions.Policy { caller.plan.suspicion }
    private var state: RunnerState { caller.state }

    /// Adds what is suspected about the records that were looked up.
    mutating func addSuspects(_ places: [Int], to lookUp: inout LookUp) {
        guard state.withSuspicions({ !$0.isEmpty }) else { return }
        let (now, triesSuspects, policy) = (caller.ports.time.now, survey.triesSuspects, policy)
        for place in places {
            guard let record = records[place] else { continue }
            let state = state
            func standing(_ subject: Suspicions.Subject) -> LookUp.Standing? {
                state.withSuspicions {
                    $0.standing(
                        subject,
                        of: record.id,
                        checksum: record.checksum,
                        triesSuspects: triesSuspects,
                        at: now,
                        policy
                    )
                }
            }
            if let verdict = state.withSuspicions({
                $0.verdict(on: record.id, checksum: record.checksum, at: now, policy)
            }) {
                lookUp.failed[place] = FailedRecord(
                    record.id,
                    gaveUp: verdict.subject,
                    after: verdict.failures,
                    verdict.reason
                )
                continue
            }
            lookUp.retirements[place] = standing(.retirement)
            for part in record.parts {
                let piece = Piece(record: place, part: part)
                lookUp.points[piece] = standing(.point(part))
                guard case .child(let number) = part else { continue }
                lookUp.texts[piece] = standing(.text(number))
                let vector = state.withSuspicions { $0.vector(for: part, of: record.id, checksum: record.checksum) }
                guard let vector, lookUp.points[piece] != .leave else { continue }
                lookUp.embedded.insert(piece)
                vectors[place, default: [:]][number] = vector
            }
        }
    }

    // MARK: - After a failure

    /// Texts without answers while the embedder was well.
    func suspect(_ request: EmbeddingRequest, _ failure: PortFailure) -> BatchStateMachine.Event {
        if request.chunks.count == 1, let chunk = request.chunks.first {
            if let verdict = count(.text(chunk.chunk), of: chunk.record, failure) { return verdict }
        } else {
            for chunk in request.chunks {
                note(.text(chunk.chunk), of: chunk.record, among: request.chunks.count)
            }
        }
        return .embeddingSuspected(request)
    }

    /// Points that were not accepted while the point store was well.
    func suspect(_ pieces: [Piece], _ failure: PortFailure) -> BatchStateMachine.Event {
        for piece in pieces {
            guard case .child(let number) = piece.part, let record = records[piece.record],
                let vector = vectors[piece.record]?[number]
            else { continue }
            state.withSuspicions {
                $0.keep(vector, for: piece.part, of: record.id, checksum: record.checksum, policy)
            }
        }
        if pieces.count == 1 {
            if let verdict = count(.point(pieces[0].part), of: pieces[0].record, failure) { return verdict }
        } else {
            for piece in pieces { note(.point(piece.part), of: piece.record, among: pieces.count) }
        }
        return .writeSuspected(pieces)
    }

    /// Older points that could not be deleted while the point store was well.
    func suspect(retirementOf places: [Int], _ failure: PortFailure) -> BatchStateMachine.Event {
        // Records without older points are done.
        let places = places.filter { !(stale[$0] ?? []).isEmpty }
        if places.count == 1 {
            if let verdict = count(.retirement, of: places[0], failure) { return verdict }
        } else {
            for place in places { note(.retirement, of: place, among: places.count) }
        }
        return .retirementSuspected(places)
    }

    private func note(_ subject: Suspicions.Subject, of place: Int, among group: Int) {
        guard let record = records[place] else { return }
        state.withSuspicions {
            $0.suspect(subject, of: record.id, checksum: record.checksum, group: group, policy)
        }
    }

    private func count(
        _ subject: Suspicions.Subject,
        of place: Int,
        _ failure: PortFailure
    ) -> BatchStateMachine.Event? {
        guard let record = records[place] else { return nil }
        let verdict = state.withSuspicions {
            $0.failed(
                subject,
                of: record.id,
                checksum: record.checksum,
                failure,
                at: caller.ports.time.now,
                policy
            )
        }
        return verdict.map { .condemned(place, FailedRecord(record.id, gaveUp: subject, after: $0, failure)) }
    }

    // MARK: - After a success

    func clearSuspects(_ request: EmbeddingRequest) {
        clear(request.chunks.map { ($0.record, .text($0.chunk)) })
    }

    func clearSuspects(_ pieces: [Piece]) {
        clear(pieces.map { ($0.record, .point($0.part)) })
    }

    func clearSuspects(retirementOf places: [Int]) {
        clear(places.map { ($0, .retirement) })
    }

    private func clear(_ subjects: [(place: Int, subject: Suspicions.Subject)]) {
        state.withSuspicions { suspicions in
            guard !suspicions.isEmpty else { return }
            for (place, subject) in subjects {
                guard let record = records[place] else { continue }
                suspicions.clear(subject, of: record.id, checksum: record.checksum)
            }
        }
    }
}

extension FailedRecord {
    /// The dead letter of something that was given up; another try may succeed, so it is not permanent.
    init(_ record: RecordID, gaveUp subject: Suspicions.Subject, after failures: Int, _ reason: PortFailure) {
        let (stage, code, what): (FailureStage, String, String) =
            switch subject {
            case .row: (.fetch, "unreadable_row", "the source cannot return this row, but it returns others")
            case .text(let number):
                (.embed, "unanswered_text", "the embedder does not answer chunk \(number), but answers other texts")
            case .point(.parent(let number)):
                (.upsert, "unwritten_point", "parent point \(number) cannot be written, but others can")
            case .point(.child(let number)):
                (.upsert, "unwritten_point", "the point of chunk \(number) cannot be written, but others can")
            case .retirement:
                (.upsert, "undeleted_points", "points of an older text cannot be deleted, but other writes are done")
            }
        let cause = reason.code.map { " (\($0))" } ?? ""
        let message = "\(what); \(failures) failures, the last: \(reason.detail)\(cause)"
        self.init(
            recordId: record,
            stage: stage,
            code: code,
            message: String(message.prefix(500)),
            permanent: false
        )
    }
}
