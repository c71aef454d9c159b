/// What the work remembers of what failed by itself, beyond the attempt at a batch.
extension BatchWork {
    private var policy: Suspicions.Policy { plan.suspicion }

    /// What is suspected of the records that were looked up.
    func addSuspects(_ places: [Int], to survey: inout LookUp, _ shelf: inout Shelf) {
        guard state.withSuspicions({ !$0.isEmpty }) else { return }
        let now = ports.time.now
        for place in places {
            guard let record = shelf.records[place] else { continue }
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
                survey.failed[place] = failed(record.id, verdict.subject, verdict.failures, verdict.reason)
                continue
            }
            survey.retirements[place] = standing(.retirement)
            for part in record.parts {
                let piece = Piece(record: place, part: part)
                survey.points[piece] = standing(.point(part))
                guard case .child(let number) = part else { continue }
                survey.texts[piece] = standing(.text(number))
                let vector = state.withSuspicions { $0.vector(for: part, of: record.id, checksum: record.checksum) }
                guard let vector, survey.points[piece] != .leave else { continue }
                survey.embedded.insert(piece)
                shelf.vectors[place, default: [:]][number] = vector
            }
        }
    }

    // MARK: - What failed

    /// Texts without answers, while the embedder was well.
    func suspect(_ request: EmbeddingRequest, _ failure: PortFailure, _ shelf: Shelf) -> BatchStateMachine.Event {
        if request.chunks.count == 1, let chunk = request.chunks.first {
            if let verdict = count(.text(chunk.chunk), of: chunk.record, failure, shelf) { return verdict }
        } else {
            for chunk in request.chunks {
                note(.text(chunk.chunk), of: chunk.record, among: request.chunks.count, shelf)
            }
        }
        return .embeddingSuspected(request)
    }

    /// Points that were not taken, while the point store was well.
    func suspect(
        _ pieces: [Piece],
        isTrial: Bool,
        _ failure: PortFailure,
        _ shelf: Shelf
    ) -> BatchStateMachine.Event {
        for piece in pieces {
            guard case .child(let number) = piece.part, let record = shelf.records[piece.record],
                let vector = shelf.vectors[piece.record]?[number]
            else { continue }
            state.withSuspicions {
                $0.keep(vector, for: piece.part, of: record.id, checksum: record.checksum, policy)
            }
        }
        if pieces.count == 1 {
            if let verdict = count(.point(pieces[0].part), of: pieces[0].record, failure, shelf) { return verdict }
        } else {
            for piece in pieces { note(.point(piece.part), of: piece.record, among: pieces.count, shelf) }
        }
        return .writeSuspected(pieces)
    }

    /// Older points that could not be deleted, while the point store was well.
    func suspect(
        retirementOf places: [Int],
        isTrial: Bool,
        _ failure: PortFailure,
        _ shelf: Shelf
    ) -> BatchStateMachine.Event {
        // Those without older points are done.
        let places = places.filter { !(shelf.stale[$0] ?? []).isEmpty }
        if places.count == 1 {
            if let verdict = count(.retirement, of: places[0], failure, shelf) { return verdict }
        } else {
            for place in places { note(.retirement, of: place, among: places.count, shelf) }
        }
        return .retirementSuspected(places)
    }

    /// A row that could not be read, while others could.
    ///
    /// - Returns: what the machine is to know of it.
    func suspect(row id: RecordID, _ failure: PortFailure) -> BatchStateMachine.Reading {
        let verdict = state.withSuspicions {
            $0.failed(.row, of: id, checksum: "", failure, at: ports.time.now, policy)
        }
        return verdict.map { .failed(failed(id, .row, $0, failure)) } ?? .unreadable
    }

    private func note(_ subject: Suspicions.Subject, of place: Int, among group: Int, _ shelf: Shelf) {
        guard let record = shelf.records[place] else { return }
        state.withSuspicions {
            $0.suspect(subject, of: record.id, checksum: record.checksum, group: group, policy)
        }
    }

    private func count(
        _ subject: Suspicions.Subject,
        of place: Int,
        _ failure: PortFailure,
        _ shelf: Shelf
    ) -> BatchStateMachine.Event? {
        guard let record = shelf.records[place] else { return nil }
        let verdict = state.withSuspicions {
            $0.failed(
                subject,
                of: record.id,
                checksum: record.checksum,
                failure,
                at: ports.time.now,
                policy
            )
        }
        return verdict.map { .condemned(place, failed(record.id, subject, $0, failure)) }
    }

    /// The dead letter of something that was given up; another try may find it well, so it is not permanent.
    func failed(
        _ record: RecordID,
        _ subject: Suspicions.Subject,
        _ failures: Int,
        _ reason: PortFailure
    ) -> FailedRecord {
        let (stage, code, what): (FailureStage, String, String) =
            switch subject {
            case .row: (.fetch, "unreadable_row", "the source cannot return this row, but it returns others")
            case .text(let number):
                (.embed, "unanswered_text", "the embedder does not answer chunk \(number), but other texts")
            case .point(.parent(let number)):
                (.upsert, "unwritten_point", "parent point \(number) cannot be written, but others can")
            case .point(.child(let number)):
                (.upsert, "unwritten_point", "the point of chunk \(number) cannot be written, but others can")
            case .retirement:
                (.upsert, "undeleted_points", "points of an older text cannot be deleted, but other writes are done")
            }
        let cause = reason.code.map { " (\($0))" } ?? ""
        let message = "\(what); \(failures) failures, the last: \(reason.detail)\(cause)"
        return FailedRecord(
            recordId: record,
            stage: stage,
            code: code,
            message: String(message.prefix(500)),
            permanent: false
        )
    }

    // MARK: - What went well

    func clearSuspects(_ request: EmbeddingRequest, _ shelf: Shelf) {
        clear(request.chunks.map { ($0.record, .text($0.chunk)) }, shelf)
    }

    func clearSuspects(_ pieces: [Piece], _ shelf: Shelf) {
        clear(pieces.map { ($0.record, .point($0.part)) }, shelf)
    }

    func clearSuspects(retirementOf places: [Int], _ shelf: Shelf) {
        clear(places.map { ($0, .retirement) }, shelf)
    }

    private func clear(_ subjects: [(place: Int, subject: Suspicions.Subject)], _ shelf: Shelf) {
        state.withSuspicions { suspicions in
            guard !suspicions.isEmpty else { return }
            for (place, subject) in subjects {
                guard let record = shelf.records[place] else { continue }
                suspicions.clear(subject, of: record.id, checksum: record.checksum)
            }
        }
    }

    /// The batch has ended: what is tried again later begins anew.
    func forgetSuspects() {
        state.withSuspicions { if !$0.isEmpty { $0.forget(ids) } }
    }

    // MARK: - Waiting

    /// Waits until one of the records that are left has something to be tried.
    ///
    /// In the batch only while there is nothing else to do: the rest of the batch is done, so that giving it back costs one more
    /// look at it, while a worker that waits half a minute per try would work at a fraction of its speed on a table with one such
    /// text in a hundred.
    ///
    /// When suspects were tried just now, at least a few seconds, whatever is due: it may wait for something else, such as a text
    /// for its row.
    func restUntilDue(_ left: [RecordID], hasTried: Bool) async throws(WorkEnd) {
        let now = ports.time.now
        let due = state.withSuspicions { $0.wait(for: left, at: now, policy) }
        let wait = max(due, hasTried ? policy.rest / 6 : .zero)
        guard wait > .zero else { return }
        if permit.canBeDeferred, wait > permit.waitMax || !state.hasNothingElse(at: now) {
            throw .suspects(after: wait, by: .embedder, .suspects(left.count))
        }
        permit.addWait(wait)
        await ports.time.sleep(for: wait, unless: permit.interruption, reaches: .release)
        try checkpoint()
        // Woken early, whatever the reason: a round without a wait would follow the other.
        if ports.time.now < now + wait / 2 { throw .interrupted }
    }
}

extension BatchError {
    static func suspects(_ records: Int) -> BatchError {
        BatchError(
            code: "suspects",
            message: "all but \(records) records are done; these fail by themselves and are tried again later"
        )
    }
}
