package import Migration
import Testing

/// The rules every journal of leases keeps.
package struct LeaseJournalConformance: Sendable {
    /// One rule each.
    package enum Rule: String, CaseIterable, Sendable {
        case whatIsLeftBehindIsTakenOverOnce
        case theLivingAreLeftAlone
        case struckClaimsAreGone
        case anAnswerReplacesTheIntention
        case anotherJobsNotesStay
        case anUnfinishedTakeOverIsForTheNext
        case aProcessMayGoOnAfterATakeOver
    }

    private let process: @Sendable () -> any LeaseJournal

    /// Makes the suite; `process` makes the journal of a new process of one and the same host.
    package init(process: @escaping @Sendable () -> any LeaseJournal) { self.process = process }

    package static let job = mark(7)
    private static let first = LeaseNote(token: "a", attempt: .init(batch: 3, attempt: 1, records: 100))
    private static let second = LeaseNote(token: "b", attempt: nil)

    private static func mark(_ id: JobID) -> JobMark { JobMark(target: "t -> c", id: id, createdAt: "2026-01-01") }

    /// Leaves these claims behind: closing with claims that are noted still is how a killed process looks to others.
    private func leave(_ claims: [LeaseNote], in job: JobMark = job) async {
        let dead = process()
        for note in claims { await dead.note(note, of: job) }
        await dead.close()
    }

    private func taken(in job: JobMark = job) async -> [LeaseNote] {
        await process().leftBehind(in: job).sorted { $0.token < $1.token }
    }

    package func check(_ rule: Rule) async throws {
        switch rule {
        case .whatIsLeftBehindIsTakenOverOnce:
            await leave([Self.first])
            await leave([Self.second])
            let heir = process()
            #expect(
                await heir.leftBehind(in: Self.job).sorted { $0.token < $1.token } == [Self.first, Self.second]
            )
            #expect(await taken().isEmpty, "while another takes it over")
            await heir.settle(isDone: true)
            #expect(await taken().isEmpty)
        case .theLivingAreLeftAlone:
            let alive = process()
            await alive.note(Self.first, of: Self.job)
            #expect(await taken().isEmpty)
            #expect(await alive.leftBehind(in: Self.job).isEmpty, "its own neither")
            await alive.close()
            #expect(await taken() == [Self.first])
        case .struckClaimsAreGone:
            let dead = process()
            await dead.note(Self.first, of: Self.job)
            await dead.note(Self.second, of: Self.job)
            await dead.strike(Self.first.token)
            await dead.strike("never noted")
            await dead.close()
            #expect(await taken() == [Self.second])
        case .anAnswerReplacesTheIntention:
            await leave([LeaseNote(token: Self.first.token, attempt: nil), Self.first])
            #expect(await taken() == [Self.first])
        case .anotherJobsNotesStay:
            await leave([Self.first], in: Self.mark(8))
            #expect(await taken().isEmpty)
            #expect(await taken(in: Self.mark(8)) == [Self.first])
        case .anUnfinishedTakeOverIsForTheNext:
            await leave([Self.first])
            let heir = process()
            #expect(await heir.leftBehind(in: Self.job) == [Self.first])
            await heir.settle(isDone: false)
            #expect(await taken() == [Self.first])
        case .aProcessMayGoOnAfterATakeOver:
            await leave([Self.first])
            let heir = process()
            _ = await heir.leftBehind(in: Self.job)
            await heir.note(Self.second, of: Self.job)
            await heir.settle(isDone: true)
            await heir.strike(Self.second.token)
            await heir.close()
            #expect(await taken().isEmpty)
        }
    }
}
