package import Migration
import Synchronization

/// OpenAI's embeddings in memory: deterministic vectors that reflect the words, and OpenAI's limits, prices and
/// refusals.
///
/// Thread-safe and never blocking; it embeds outside its lock, so several requests are computed at once.
package final class FakeOpenAI: Embedder {
    /// What can be switched while it runs.
    package struct Behaviour: Sendable {
        /// The account has no credit left.
        package var isOutOfMoney = false
        /// Every key is wrong.
        package var refusesKey = false
        /// Texts that OpenAI refuses, together with the whole request.
        package var refusesText: @Sendable (String) -> Bool = { _ in false }
        /// Texts that never get an answer, like every request that contains one of them.
        package var troubles: @Sendable (String) -> Trouble? = { _ in nil }
        /// How answers are written over HTTP.
        package var dialect = Dialect()
        /// How long each answer takes.
        package var latency = Duration.zero
        /// The account's tokens per minute; nil = no limit and no headers.
        package var tokensPerMinute: Int?
        /// The account's requests per minute; nil = no limit and no headers.
        package var requestsPerMinute: Int?

        package init() {}
    }

    /// OpenAI's limits on one request.
    package struct RequestLimits: Sendable {
        package var inputs = 2_048
        package var tokensPerInput = 8_192
        package var tokens = 300_000

        package init() {}
    }

    /// The limits that the adapter of the real service states.
    package static let requestLimits = Migration.RequestLimits(inputsMax: 2_048, tokensMax: 290_000)

    /// One text that was embedded and paid for.
    package struct Effect: Sendable, Equatable {
        /// The request, counted from 1.
        package let request: Int
        /// A hash of the text.
        package let text: UInt64
        /// What it cost.
        package let tokens: Int
    }

    /// What was done since the start.
    package struct Totals: Sendable, Equatable {
        /// Requests that were answered with vectors.
        package var requests = 0
        /// Requests that were refused.
        package var refusals = 0
        package var texts = 0
        package var tokens = 0
    }

    /// Length of the vectors, unless a request over HTTP asks for fewer.
    package let dimensions: Int
    /// The only model.
    package let model: String
    let limits: RequestLimits

    private struct State {
        var behaviour: Behaviour
        var totals = Totals()
        var effects: [Effect] = []
        var tokens: MinuteBucket?
        var requests: MinuteBucket?
    }

    private let state: Mutex<State>
    private let start: Behaviour
    private let effectsMax: Int
    private let countTokens: @Sendable (String) -> Int
    private let time: Time
    private let faults: FaultHook

    /// Makes an account.
    ///
    /// - Parameters:
    ///   - dimensions: length of the vectors.
    ///   - model: the only name accepted over HTTP.
    ///   - time: the clock of the minute limits and of the latency.
    ///   - behaviour: how it behaves at first.
    ///   - limits: the limits of one request.
    ///   - effectsMax: how many effects the log keeps, the first ones; 0 = none.
    ///   - faults: asked around each call of the port, as `openai.embed`.
    ///   - countTokens: tokens of a text; by default a quarter of its bytes.
    package init(
        dimensions: Int = 1_536,
        model: String = "text-embedding-3-small",
        time: Time,
        behaviour: Behaviour = Behaviour(),
        limits: RequestLimits = RequestLimits(),
        effectsMax: Int = 0,
        faults: FaultHook = .none,
        countTokens: @escaping @Sendable (String) -> Int = { max(1, $0.utf8.count / 4) }
    ) {
        self.dimensions = dimensions
        self.model = model
        self.limits = limits
        self.effectsMax = effectsMax
        self.time = time
        self.faults = faults
        self.countTokens = countTokens
        start = behaviour
        var state = State(behaviour: behaviour)
        Self.refill(&state, at: time.now)
        self.state = Mutex(state)
    }

    /// What was done so far.
    package var totals: Totals { state.withLock { $0.totals } }

    /// The texts paid for so far, in order, up to the log's limit.
    package var effects: [Effect] { state.withLock { $0.effects } }

    /// The hash under which a text stands in the log.
    package static func hash(of text: String) -> UInt64 { TextHash.of(text) }

    /// Makes the account as it was at its start.
    package func reset() {
        let now = time.now
        state.withLock { state in
            state = State(behaviour: start)
            Self.refill(&state, at: now)
        }
    }

    /// Changes how it behaves from now on; a changed limit starts with a full bucket.
    package func update(_ change: (inout Behaviour) -> Void) {
        let now = time.now
        state.withLock { state in
            let before = state.behaviour
            change(&state.behaviour)
            let isSame =
                before.tokensPerMinute == state.behaviour.tokensPerMinute
                && before.requestsPerMinute == state.behaviour.requestsPerMinute
            if !isSame { Self.refill(&state, at: now) }
        }
    }

    package func embed(_ texts: [String], within limit: Duration?) async throws(PortFailure) -> Embeddings {
        try await faults.around("openai.embed") { () async throws(PortFailure) in
            if let trouble = trouble(with: texts) { try await trouble.strike(within: limit, time) }
            try await delay()
            do throws(OpenAIRefusal) {
                let charge = try admit(texts.map(Input.text))
                let words = WordVectors(dimensions: dimensions)
                return Embeddings(
                    vectors: texts.map(words.vector),
                    tokens: charge.tokens,
                    limits: charge.allowance.limits
                )
            } catch {
                throw error.portFailure
            }
        }
    }

    /// The trouble that a request with these texts meets, if any.
    package func trouble(with texts: [String]) -> Trouble? {
        let troubles = state.withLock { $0.behaviour.troubles }
        return texts.lazy.compactMap(troubles).first
    }

    /// How answers are written over HTTP.
    package var dialect: Dialect { state.withLock { $0.behaviour.dialect } }

    /// Whether a gateway answers in its place, which counts as a refusal.
    package func isGone() -> Bool {
        state.withLock { state in
            if state.behaviour.dialect.isGone { state.totals.refusals += 1 }
            return state.behaviour.dialect.isGone
        }
    }

    /// Waits as long as an answer takes.
    package func delay() async throws(PortFailure) {
        let latency = state.withLock { $0.behaviour.latency }
        do {
            try await time.sleep(for: latency)
        } catch {
            throw PortFailure(.cancelled, "the request was given up")
        }
    }

    // MARK: - One request

    /// Checks a request as OpenAI does, charges it and writes it to the log.
    package func admit(_ inputs: [Input]) throws(OpenAIRefusal) -> Charge {
        let behaviour = state.withLock { $0.behaviour }
        do throws(OpenAIRefusal) {
            if behaviour.refusesKey { throw OpenAIRefusal.badKey }
            if behaviour.isOutOfMoney { throw OpenAIRefusal.outOfMoney }
            let tokens = try count(inputs, refusing: behaviour.refusesText)
            return try charge(inputs, tokens)
        } catch {
            state.withLock { $0.totals.refusals += 1 }
            throw error
        }
    }

    /// What is left of the minute's allowance now.
    package func allowance() -> Allowance {
        let now = time.now
        return state.withLock { Self.allowance(of: $0, at: now) }
    }

    private func count(
        _ inputs: [Input],
        refusing refuses: @Sendable (String) -> Bool
    ) throws(OpenAIRefusal) -> [Int] {
        guard !inputs.isEmpty else { throw .invalidInput }
        guard inputs.count <= limits.inputs else { throw .tooManyInputs(inputs.count, max: limits.inputs) }
        var counts: [Int] = []
        counts.reserveCapacity(inputs.count)
        for (index, input) in inputs.enumerated() {
            let tokens: Int
            switch input {
            case .text(let text):
                if text.allSatisfy(\.isWhitespace) || refuses(text) { throw .invalidInput }
                tokens = countTokens(text)
            case .tokens(let list):
                if list.isEmpty { throw .invalidInput }
                tokens = list.count
            }
            guard tokens <= limits.tokensPerInput else {
                throw .inputTooLong(index: index, tokens: tokens, max: limits.tokensPerInput)
            }
            counts.append(tokens)
        }
        let sum = counts.reduce(0, +)
        guard sum <= limits.tokens else { throw .requestTooLong(tokens: sum, max: limits.tokens) }
        return counts
    }

    private func charge(_ inputs: [Input], _ counts: [Int]) throws(OpenAIRefusal) -> Charge {
        let now = time.now
        let sum = counts.reduce(0, +)
        return try state.withLock { state throws(OpenAIRefusal) in
            try Self.take(sum, .tokens, from: state.tokens, at: now)
            try Self.take(1, .requests, from: state.requests, at: now)
            state.tokens?.take(sum, at: now)
            state.requests?.take(1, at: now)
            state.totals.requests += 1
            state.totals.texts += inputs.count
            state.totals.tokens += sum
            for (input, tokens) in zip(inputs, counts) where state.effects.count < effectsMax {
                let hash = TextHash.of(input.text)
                state.effects.append(Effect(request: state.totals.requests, text: hash, tokens: tokens))
            }
            return Charge(tokens: sum, request: state.totals.requests, allowance: Self.allowance(of: state, at: now))
        }
    }

    private static func take(
        _ amount: Int,
        _ unit: OpenAIRefusal.Unit,
        from bucket: MinuteBucket?,
        at now: Duration
    ) throws(OpenAIRefusal) {
        guard let bucket else { return }
        guard amount <= Int(bucket.limit) else {
            throw .largerThanLimit(unit, limit: Int(bucket.limit), requested: amount)
        }
        let wait = bucket.wait(for: amount, at: now)
        guard wait > .zero else { return }
        let used = Int((bucket.limit - bucket.remaining(at: now)).rounded(.up))
        throw .rateLimited(unit, limit: Int(bucket.limit), used: used, requested: amount, retryAfter: wait)
    }

    private static func allowance(of state: State, at now: Duration) -> Allowance {
        func part(_ bucket: MinuteBucket?) -> Allowance.Part? {
            bucket.map { bucket in
                Allowance.Part(
                    limit: Int(bucket.limit),
                    remaining: Int(bucket.remaining(at: now)),
                    reset: bucket.reset(at: now)
                )
            }
        }
        return Allowance(tokens: part(state.tokens), requests: part(state.requests))
    }

    private static func refill(_ state: inout State, at now: Duration) {
        state.tokens = state.behaviour.tokensPerMinute.map { MinuteBucket(limit: $0, at: now) }
        state.requests = state.behaviour.requestsPerMinute.map { MinuteBucket(limit: $0, at: now) }
    }
}
