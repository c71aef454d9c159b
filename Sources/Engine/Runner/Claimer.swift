import Migration
import Synchronization

/// Claims one batch at a time, and leaves no unknown claim behind.
struct Claimer: Sendable {
    /// A claim that was answered.
    struct Claimed: Sendable {
        let lease: HeldLease?
        let status: JobStatus
        let isSealed: Bool
        let wait: Duration
    }

    let order: Worker.Order
    let worker: String
    let ports: EnginePorts
    let state: RunnerState
    private let store: StoreCaller
    private var floor: ClaimFloor?

    init(order: Worker.Order, worker: String, ports: EnginePorts, state: RunnerState) {
        self.order = order
        self.worker = worker
        self.ports = ports
        self.state = state
        store = StoreCaller(ports: ports, state: state)
    }

    /// Claims with one claim id as long as the answers are lost, but for at most half a lease: then the original lease,
    /// if there is one, runs out by itself, and a new claim id is used.
    ///
    /// - Returns: nil when it gave up, also because the runner has to stop.
    mutating func claim() async -> Claimed? {
        let call = call(ports.entropy.uuid(), floor: floor)
        await ports.journal.note(LeaseNote(token: call.claimId, attempt: nil), of: order.job)
        let sent = ports.time.now
        let isOpen = Mutex(false)
        let answer = await store.answer(within: order.claimMax, until: .drain) { store throws(PortFailure) in
            do throws(PortFailure) {
                return try await store.claim(call)
            } catch {
                if error.kind == .outcomeUnknown { isOpen.withLock { $0 = true } }
                throw error
            }
        }
        guard let answer else {
            if isOpen.withLock(\.self), state.stop.level > .run {
                await giveBack(call)
            } else {
                await ports.journal.strike(call.claimId)
            }
            return nil
        }
        return await accept(answer, of: call, sent: sent)
    }

    /// For a runner that stops while it is unknown whether the claim was carried out: repeats the call with the same id
    /// for a few seconds, and gives back the batches in the answer.
    ///
    /// Otherwise the lease would run out, which costs the batch a retry.
    private func giveBack(_ call: ClaimNextBatch) async {
        let left = LeftClaims(ports: ports, state: state, job: order.job, configHash: order.configHash)
        if await left.giveBack(call.claimId, within: .seconds(5)) { await ports.journal.strike(call.claimId) }
    }

    private mutating func accept(
        _ answer: ClaimNextBatch.Answer,
        of call: ClaimNextBatch,
        sent: Duration
    ) async -> Claimed? {
        switch answer.result {
        case .configMismatch:
            state.end(.configMismatch, level: .drain)
        case .notFound:
            let number = order.job.id
            state.end(
                .fatal(.store, PortFailure(.rejected, "there is no job \(number); `migrate jobs` lists them")),
                level: .release
            )
        case .ok:
            floor = answer.floor
            // `sent` is when the first try was sent, so a repeated claim is trusted for a shorter time, never for a
            // longer one.
            let lease = answer.batches.first.map {
                HeldLease(batch: $0, claimID: call.claimId, sent: sent, brake: order.brake)
            }
            if let lease {
                // A claim that was repeated for long, or whose answer reached a frozen process late, has used up the
                // time of the batch: this counts as a wait for the store, and uses no retry.
                lease.addWait(ports.time.now - sent)
                await ports.journal.note(LeaseNote(lease), of: order.job)
            } else {
                await ports.journal.strike(call.claimId)
            }
            return Claimed(
                lease: lease,
                status: answer.jobStatus ?? .running,
                isSealed: answer.sealed,
                wait: .milliseconds(answer.waitMs)
            )
        }
        await ports.journal.strike(call.claimId)
        return nil
    }

    private func call(_ claimID: String, floor: ClaimFloor?) -> ClaimNextBatch {
        ClaimNextBatch(
            job: order.job.id,
            worker: worker,
            claimId: claimID,
            limit: 1,
            configHash: order.configHash,
            floor: floor
        )
    }
}

extension LeaseNote {
    init(_ lease: HeldLease) {
        let batch = lease.batch
        self.init(
            token: lease.claimID,
            attempt: Attempt(batch: batch.batchNumber, attempt: batch.attempt, records: batch.recordIds.count)
        )
    }
}
