package import Migration
import Synchronization

/// Records calls, in the order in which they begin and end, for the checks of `TrackingEvidence`.
package final class CallRecorder: Sendable {
    private struct State {
        var tick = 0
        var calls: [ObservedCall] = []
    }

    private let state = Mutex(State())
    package typealias Moment = (at: DatabaseTime?, event: Int64?)

    private let began: @Sendable () -> Moment
    private let ended: @Sendable () -> Moment

    /// - Parameter moment: the database clock and the last stored event, if they are known.
    package convenience init(moment: @escaping @Sendable () -> Moment = { (nil, nil) }) {
        self.init(began: moment, ended: moment)
    }

    /// - Parameters:
    ///   - began: the moment when a call begins, or an earlier one.
    ///   - ended: the moment when a call ends, or a later one.
    package init(began: @escaping @Sendable () -> Moment, ended: @escaping @Sendable () -> Moment) {
        self.began = began
        self.ended = ended
    }

    /// In the order in which they began.
    package var calls: [ObservedCall] { state.withLock { $0.calls } }

    /// Performs a call once; calls may overlap.
    ///
    /// - Returns: the answer, if there was one.
    @discardableResult
    package func perform<Call: TrackingCall>(_ call: Call, on store: any JobStore) async -> Call.Answer? {
        let number = begin(call)
        let answer = await call.perform(on: store)
        end(number, answer)
        return answer.value(Call.Answer.self)
    }

    /// Records that a call begins.
    ///
    /// - Returns: its number, for `end`.
    package func begin(_ call: any TrackingCall) -> Int {
        let (at, event) = began()
        return state.withLock { state in
            state.tick += 1
            state.calls.append(ObservedCall(call, began: state.tick, at: at, eventBefore: event))
            return state.calls.count - 1
        }
    }

    /// Records its answer.
    package func end(_ number: Int, _ answer: RecordedAnswer) {
        let (until, event) = ended()
        state.withLock { state in
            state.tick += 1
            state.calls[number].ended = state.tick
            state.calls[number].answer = answer
            state.calls[number].until = until
            state.calls[number].eventAfter = event
        }
    }
}
