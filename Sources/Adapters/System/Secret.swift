/// A password or key that cannot print itself: not by `print`, not by interpolation, not by `dump`.
public struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let value: String

    /// Wraps a value.
    public init(_ value: String) { self.value = value }

    /// Hands the value to the one place that sends it.
    public func withExposedValue<Value>(_ body: (String) throws -> Value) rethrows -> Value { try body(value) }

    /// Whether there is nothing in it.
    public var isEmpty: Bool { value.isEmpty }

    /// Never the value.
    public var description: String { "<redacted>" }
    /// Never the value.
    public var debugDescription: String { description }
    /// Empty: `dump` sees nothing either.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
