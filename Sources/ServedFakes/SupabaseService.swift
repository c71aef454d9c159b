import Fakes
import Foundation
import Migration

/// Any job store as Supabase's PostgREST: `POST /rest/v1/rpc/{function}`.
struct SupabaseService: ServedService {
    let store: any JobStore
    let key: String
    let bodyBytesMax = 64 << 20

    func answer(_ request: ServedRequest) async -> ServedAnswer {
        guard let given = request.headers["apikey"] else {
            return error(401, "PGRST301", "No API key found in request", hint: "No `apikey` request header was found.")
        }
        guard given == key else { return error(401, "PGRST301", "Invalid API key", hint: "Check the service key.") }
        if request.path.prefix(2) == ["rest", "v1"], request.path.count == 2 { return ServedAnswer(200, json: [:]) }
        guard request.path.count == 4, request.path.prefix(3) == ["rest", "v1", "rpc"], request.method == "POST" else {
            return error(404, "PGRST125", "Invalid path specified in request URL")
        }
        let name = request.path[3]
        guard let function = Self.functions[name] else { return unknown(name) }
        do {
            return ServedAnswer(200, json: try await function(store, request.body))
        } catch let failure as PortFailure {
            return self.failure(failure)
        } catch DecodingError.keyNotFound(_, let context) where context.codingPath.isEmpty {
            return unknown(name)  // PostgREST finds a function by the names of its parameters
        } catch is DecodingError {
            let isJSON = (try? JSONParser.parse(request.body)) != nil
            return isJSON
                ? error(400, "22P02", "a parameter has another shape") : error(400, "PGRST102", "Empty or invalid json")
        } catch {
            return self.error(500, "XX000", "The function failed")
        }
    }

    func failure(_ failure: PortFailure) -> ServedAnswer {
        let code: String =
            switch failure.kind {
            case .unavailable: "57P03"
            case .unclassified: "XX000"
            case .unauthorised: "42501"
            case .outcomeUnknown, .cancelled: "57014"
            case .throttled, .rejected, .outOfMoney, .full: "P0001"
            }
        var answer = error(failure.status, failure.code ?? code, failure.detail)
        answer.headers += failure.retryHeaders.filter { $0.name == "retry-after" }
        return answer
    }

    func tooLarge(_ bytes: Int) -> ServedAnswer { error(413, "PGRST000", "The request is too large (\(bytes) bytes)") }

    private func unknown(_ name: String) -> ServedAnswer {
        error(404, "PGRST202", "Could not find the function public.\(name) with these parameters in the schema cache")
    }

    private func error(_ status: Int, _ code: String, _ message: String, hint: String? = nil) -> ServedAnswer {
        let body: JSONValue = [
            "code": .string(code), "message": .string(message), "details": .null,
            "hint": hint.map(JSONValue.string) ?? .null,
        ]
        return ServedAnswer(status, json: body)
    }

    // MARK: - Functions

    private typealias Function = @Sendable (any JobStore, Data) async throws -> Data

    private static let functions: [String: Function] = [
        function(SchemaVersion.self) { try await $0.schemaVersion($1) },
        function(OpenIngestionJob.self) { try await $0.openJob($1) },
        function(JoinIngestionJob.self) { try await $0.joinJob($1) },
        function(AddIngestionServers.self) { try await $0.addServers($1) },
        function(RenewController.self) { try await $0.renewController($1) },
        function(AppendIngestionBatches.self) { try await $0.appendBatches($1) },
        function(SealIngestionPlan.self) { try await $0.sealPlan($1) },
        function(ClaimNextBatch.self) { try await $0.claim($1) },
        function(BumpBatchProgress.self) { try await $0.heartbeat($1) },
        function(FinishBatch.self) { try await $0.finish($1) },
        function(ResetStuckBatches.self) { try await $0.resetStuck($1) },
        function(GetIngestionJobStats.self) { try await $0.stats($1) },
        function(GetIngestionJobStatsExact.self) { try await $0.exactStats($1) },
        function(ControlIngestionJob.self) { try await $0.control($1) },
        function(FinalizeIngestionJob.self) { try await $0.finalize($1) },
        function(ReleaseIngestionBatches.self) { try await $0.release($1) },
        function(RecountIngestionJob.self) { try await $0.recount($1) },
        function(RequeueFailedBatches.self) { try await $0.requeueBatches($1) },
        function(RequeueFailedRecords.self) { try await $0.requeueRecords($1) },
        function(ReserveQuota.self) { try await $0.reserveQuota($1) },
        function(ReportQuota.self) { try await $0.reportQuota($1) },
        function(ListIngestionQuotas.self) { try await $0.quotas($1) },
        function(ResetIngestionQuota.self) { try await $0.resetQuota($1) },
        function(ListIngestionJobs.self) { try await $0.jobs($1) },
        function(ListIngestionBatches.self) { try await $0.batches($1) },
        function(ListIngestionFailures.self) { try await $0.failures($1) },
        function(ListIngestionEvents.self) { try await $0.events($1) },
        function(ReportRunner.self) { try await $0.reportRunner($1) },
        function(ListIngestionRunners.self) { try await $0.runners($1) },
        function(DeleteIngestionJob.self) { try await $0.deleteJob($1) },
        function(DeleteIngestionEvents.self) { try await $0.deleteEvents($1) },
        function(ListIngestionRetention.self) { try await $0.retention($1) },
        function(GetIngestionJobRows.self) { try await $0.countRows($1) },
    ].reduce(into: [:]) { $0[$1.name] = $1.function }

    private static func function<Call: TrackingCall>(
        _ type: Call.Type,
        _ perform: @escaping @Sendable (any JobStore, Call) async throws -> Call.Answer
    ) -> (name: String, function: Function) {
        (
            type.function,
            { store, body in
                let call = try TrackingJSON.decodeCall(type, from: body.isEmpty ? Data("{}".utf8) : body)
                return try TrackingJSON.encodeAnswer(await perform(store, call))
            }
        )
    }
}
