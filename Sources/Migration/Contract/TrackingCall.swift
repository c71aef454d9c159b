/// One function of the tracking contract as a value: its parameters, and what it answers.
///
/// Every transport, the fake and a recorded history share these types, so that there is one spelling of each name.
/// In SQL the function takes the parameters with the prefix `p_` and snake case, and returns one `jsonb`.
package protocol TrackingCall: Codable, Sendable, Equatable {
    /// What the function answers.
    associatedtype Answer: TrackingAnswer
    /// The SQL function's name, without its schema.
    static var function: String { get }
    /// The one job that the call is about; nil where there is none or no one.
    var namedJob: JobID? { get }
}

extension TrackingCall {
    package var namedJob: JobID? { nil }
}

package typealias TrackingAnswer = Codable & Sendable & Equatable

/// A call about one job.
package protocol JobCall: TrackingCall {
    var job: JobID { get }
}

extension JobCall {
    package var namedJob: JobID? { job }
}

/// Whether there is such a job: the result of calls that have no other.
package enum JobPresence: String, Codable, Sendable, CaseIterable {
    case ok
    case notFound = "not_found"
}

/// One page of a list, in the order that the call has.
package struct ListPage<Row: TrackingAnswer, Key: TrackingAnswer>: Codable, Sendable, Equatable {
    /// At most the call's `limit`.
    package var rows: [Row]
    /// The key to go on after; nil at the end.
    package var next: Key?

    package init(rows: [Row], next: Key?) {
        self.rows = rows
        self.next = next
    }
}

/// A parameter that is sent as `null` when absent, because the SQL functions have no optional arguments.
@propertyWrapper
package struct ExplicitNull<Value: Codable & Sendable & Equatable>: Codable, Sendable, Equatable {
    package var wrappedValue: Value?

    package init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        wrappedValue = container.decodeNil() ? nil : try container.decode(Value.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
    }
}
