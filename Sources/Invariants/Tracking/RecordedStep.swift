package import Migration

/// The answer of a call, or why there is none.
///
/// Indirect as a whole: a history is copied often, and copying one reference costs least.
package indirect enum RecordedAnswer: Sendable, Equatable {
    case given(any TrackingAnswer)
    /// A mistake of the caller: the function raised an error, and nothing was done.
    case refused
    /// Any other failure: its code, or its kind.
    case failed(String)

    package init(failure: PortFailure) {
        // 22…: a bad value; 23…: a constraint of the tables.
        let isBug = failure.kind == .rejected && ["22", "23"].contains(failure.code?.prefix(2) ?? "")
        self = isBug ? .refused : .failed(failure.code ?? "\(failure.kind)")
    }

    /// The answer, if it has this type.
    package func value<Answer: TrackingAnswer>(_ type: Answer.Type) -> Answer? {
        guard case .given(let answer) = self else { return nil }
        return answer as? Answer
    }

    package static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.given(let left), .given(let right)): left.equals(right)
        case (.refused, .refused): true
        case (.failed(let left), .failed(let right)): left == right
        default: false
        }
    }
}

/// One call at one moment of the database clock.
///
/// The same steps on another store, with the same clock and the same random numbers, must give the same answers.
package struct RecordedStep: Sendable, Equatable {
    /// Microseconds of the database clock since it was started.
    package var at: Int64
    /// The value of each `ingestion_random()` during the call: 0..<1.
    package var chance: Double
    package var call: any TrackingCall
    /// The answer, if it is known.
    package var answer: RecordedAnswer?

    package init(at: Int64, chance: Double, call: any TrackingCall, answer: RecordedAnswer? = nil) {
        self.at = at
        self.chance = chance
        self.call = call
        self.answer = answer
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.at == right.at && left.chance == right.chance && left.call.equals(right.call)
            && left.answer == right.answer
    }
}

extension TrackingCall {
    /// Performs the call once.
    package func perform(on store: any JobStore) async -> RecordedAnswer {
        do throws(PortFailure) { return .given(try await store.perform(self)) } catch {
            return RecordedAnswer(failure: error)
        }
    }
}

extension Equatable {
    package func equals(_ other: any Equatable) -> Bool { other as? Self == self }
}
