/// One function of the tracking contract as a value: its parameters and its answer.
///
/// Every transport, the fake and a recorded history share these types, so each name is spelled in one place.
/// In SQL the function takes the parameters with the prefix `p_` and snake case, and returns one `jsonb`.
package protocol TrackingCall: Codable, Sendable, Equatable {
    /// The answer of the function.
    associatedtype Answer: TrackingAnswer
    /// The SQL function's name, without its schema.
    static var function: String { get }
    /// The job that the call is about; nil if it is about none or several.
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

/// Whether such a job exists: the result of calls that have no other result.
package enum JobPresence: String, Codable, Sendable, CaseIterable {
    case ok
    case notFound = "not_found"
}

/// One page of a list, in the order of the call.
package struct ListPage<Row: TrackingAnswer, Key: TrackingAnswer>: Codable, Sendable, Equatable {
    /// At most the call's `limit`.
    package var rows: [Row]
    /// The key after which the next page begins; nil at the end.
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
