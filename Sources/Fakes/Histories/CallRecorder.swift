package import Migration
import Synchronization

/// Takes notes of calls, in the order in which they begin and end, for the checks of `TrackingEvidence`.
package final class CallRecorder: Sendable {
    private struct State {
        var tick = 0
        var calls: [ObservedCall] = []
    }

    private let state = Mutex(State())
    private let moment: @Sendable () -> (at: DatabaseTime?, event: Int64?)

    /// - Parameter moment: the database clock and the last event that is stored, where they are known.
    package init(moment: @escaping @Sendable () -> (at: DatabaseTime?, event: Int64?) = { (nil, nil) }) {
        self.moment = moment
    }

    /// By their begins.
    package var calls: [ObservedCall] { state.withLock { $0.calls } }

    /// Performs a call once; calls may overlap.
    @discardableResult
    package func perform(_ call: RecordedCall, on store: any JobStore) async -> RecordedAnswer {
        let number = begin(call)
        let answer = await call.perform(on: store)
        end(number, answer)
        return answer
    }

    /// Notes that a call begins.
    ///
    /// - Returns: its number, for `end`.
    package func begin(_ call: RecordedCall) -> Int {
        let (at, event) = moment()
        return state.withLock { state in
            state.tick += 1
            state.calls.append(ObservedCall(call, began: state.tick, at: at, eventBefore: event))
            return state.calls.count - 1
        }
    }

    /// Notes that it was answered.
    package func end(_ number: Int, _ answer: RecordedAnswer) {
        let after = moment().event
        state.withLock { state in
            state.tick += 1
            state.calls[number].ended = state.tick
            state.calls[number].answer = answer
            state.calls[number].eventAfter = after
        }
    }
}
