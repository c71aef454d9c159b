/// A password or key that is never printed: not by `print`, not by interpolation, not by `dump`.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let value: String

    package init(_ value: String) { self.value = value }

    /// Passes the value to the one place that sends it.
    package func withExposedValue<Value>(_ body: (String) throws -> Value) rethrows -> Value { try body(value) }

    package var isEmpty: Bool { value.isEmpty }

    package var description: String { "<redacted>" }
    package var debugDescription: String { description }
    /// Empty, so that `dump` shows nothing.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
