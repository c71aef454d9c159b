import Migration
import Synchronization

/// What a collection's strict mode allows in one request; nil = no limit.
///
/// Qdrant Cloud creates collections with strict mode on.
struct QdrantLimits: Sendable, Equatable {
    /// `upsert_max_batchsize`: points of one upsert.
    var pointsMax: Int?
    /// `max_query_limit`: the highest `limit` of a scroll or a query.
    var pageMax: Int?
    /// `filter_max_conditions`: conditions per filter, including those of nested filters.
    var conditionsMax: Int?
    /// `condition_max_size`: values of one condition.
    var valuesMax: Int?
    /// `max_timeout`: seconds.
    var timeoutMax: Int?
    /// `search_max_oversampling`.
    var oversamplingMax: Double?
    /// `search_allow_exact`, which also applies to counts.
    var allowsExact = true
    /// `write_rate_limit`: points, or conditions of a filter, per minute of writes.
    var writesMax: Int?
    /// `read_rate_limit`: requests, and conditions of filters, per minute of reads.
    var readsMax: Int?
    /// `max_payload_index_count`.
    var indexesMax: Int?
    /// `max_points_count`: above it no more points are written.
    var roomMax: Int?
    /// `unindexed_filtering_retrieve` and `unindexed_filtering_update` are off, one or both.
    var needsIndexes = false

    init() {}

    /// The limits in the answer to `GET /collections/{name}`.
    init(_ info: JSON) {
        guard let mode = info["config"]?["strict_mode_config"], mode["enabled"]?.bool == true else { return }
        func number(_ name: String) -> Int? { mode[name]?.integer.map { Int(clamping: max(0, $0)) } }
        pointsMax = number("upsert_max_batchsize")
        pageMax = number("max_query_limit")
        conditionsMax = number("filter_max_conditions")
        valuesMax = number("condition_max_size")
        timeoutMax = number("max_timeout")
        oversamplingMax = mode["search_max_oversampling"]?.double
        allowsExact = mode["search_allow_exact"]?.bool ?? true
        writesMax = number("write_rate_limit")
        readsMax = number("read_rate_limit")
        indexesMax = number("max_payload_index_count")
        roomMax = number("max_points_count")
        needsIndexes = ["unindexed_filtering_retrieve", "unindexed_filtering_update"].contains {
            mode[$0]?.bool == false
        }
    }

    // MARK: - Requirements

    /// A delete names ids, a checksum and a profile; without them it could delete what another worker has written
    /// since.
    static let conditionsMin = 3
    /// A read costs 1 plus its filter's conditions: finding a record's points needs one for the id and two for the
    /// source.
    private static let readMin = 4

    /// Whether a delete can name the source too.
    var namesSource: Bool { min(conditionsMax ?? .max, writesMax ?? .max) > Self.conditionsMin }

    /// A limit under which the program cannot send its requests.
    struct TooLow: Sendable, Equatable {
        let name: String
        let needed: Int
        let found: Int

        var sentence: String {
            "the collection's strict mode allows too little: \(name) is \(found), at least \(needed) is needed; raise it"
        }

        var failure: PortFailure { PortFailure(.unauthorised, sentence, code: QdrantErrorAnswer.overLimit) }
    }

    /// The limits under which no work is possible.
    var tooLow: [TooLow] {
        [
            ("upsert_max_batchsize", pointsMax, 1), ("max_query_limit", pageMax, 1),
            ("filter_max_conditions", conditionsMax, Self.conditionsMin), ("condition_max_size", valuesMax, 1),
            ("max_timeout", timeoutMax, 1), ("write_rate_limit", writesMax, Self.conditionsMin),
            ("read_rate_limit", readsMax, Self.readMin),
        ].compactMap { name, found, needed in
            guard let found, found < needed else { return nil }
            return TooLow(name: name, needed: needed, found: found)
        }
    }

    /// Ids per request: a thousand of them are 40 kB.
    var idsPerRequest: Int { min(1_000, valuesMax ?? .max) }
    /// Records per request for points: the highest number that the port allows.
    var recordsPerRequest: Int { min(1_000, valuesMax ?? .max) }
    /// Points per page: without vectors and texts about 400 bytes each.
    var page: Int { min(1_000, pageMax ?? .max) }

    /// The lower one of each limit.
    func lowered(by other: QdrantLimits) -> QdrantLimits {
        func lower<Value: Comparable>(_ one: Value?, _ two: Value?) -> Value? {
            guard let one, let two else { return one ?? two }
            return min(one, two)
        }
        var both = self
        both.pointsMax = lower(pointsMax, other.pointsMax)
        both.pageMax = lower(pageMax, other.pageMax)
        both.conditionsMax = lower(conditionsMax, other.conditionsMax)
        both.valuesMax = lower(valuesMax, other.valuesMax)
        both.timeoutMax = lower(timeoutMax, other.timeoutMax)
        both.oversamplingMax = lower(oversamplingMax, other.oversamplingMax)
        both.allowsExact = allowsExact && other.allowsExact
        return both
    }

    /// The limit that a refusal states, alone; nil if it states none that requests can stay below.
    init?(toldBy text: String) {
        func bound(_ words: String) -> Double? {
            guard text.contains(words), let sign = text.firstRange(of: "> ") else { return nil }
            return Double(text[sign.upperBound...].prefix { $0.isNumber || $0 == "." })
        }
        func whole(_ words: String) -> Int? { bound(words).flatMap { Int(exactly: $0.rounded(.down)) } }
        pointsMax = whole("for \"upsert limit\"") ?? whole("for \"update limit\"")
        pageMax = whole("for \"limit\"")
        timeoutMax = whole("for \"timeout\"")
        oversamplingMax = bound("for \"oversampling\"")
        conditionsMax = whole("Filter condition limit reached")
        valuesMax = whole("Condition size limit reached")
        allowsExact = !text.contains("Exact search disabled")
        guard self != QdrantLimits() else { return nil }
    }
}

/// The known limits of one collection: those that it states, and those from refusals.
final class QdrantStrictness: Sendable {
    private struct State {
        var stated: QdrantLimits?
        var told = QdrantLimits()
    }

    private let state: Mutex<State>

    /// - Parameter known: limits that need not be requested.
    init(_ known: QdrantLimits? = nil) { state = Mutex(State(stated: known)) }

    /// Nil before they were requested.
    var limits: QdrantLimits? { state.withLock { state in state.stated.map { $0.lowered(by: state.told) } } }

    /// Replaces the limits that the collection stated before; those from refusals stay.
    func read(_ info: JSON) {
        let stated = QdrantLimits(info)
        state.withLock { $0.stated = stated }
    }

    /// A refusal has stated a limit, or only that there is one: then the collection is asked again.
    func learn(_ told: QdrantLimits?) {
        state.withLock { state in
            if let told { state.told = state.told.lowered(by: told) } else { state.stated = nil }
        }
    }
}
