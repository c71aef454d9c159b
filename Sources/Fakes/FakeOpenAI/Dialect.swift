/// How a compatible server writes parts of an answer for which OpenAI promises one form; it matters over HTTP only.
package struct Dialect: Sendable {
    /// The form of a vector's index.
    package enum Indices: String, Sendable, CaseIterable {
        case ordered, backwards, missing, null, zero
    }

    /// The form of the usage.
    package enum Usage: String, Sendable, CaseIterable {
        case whole, fractional, missing, null
    }

    /// The order is that of the inputs, except for `backwards`.
    package var indices = Indices.ordered
    package var usage = Usage.whole
    /// Whether vectors are lists of numbers, whichever form was asked for.
    package var prefersNumbers = false
    /// What is written in place of a text's vector; nil = its vector.
    package var spoils: @Sendable (String) -> String? = { _ in nil }
    /// Whether a gateway in front of the server answers in its place, with 404 and an empty body.
    package var isGone = false

    package init() {}

    /// The index as a member of the answer, with a comma after it.
    package func index(_ place: Int) -> String {
        switch indices {
        case .ordered, .backwards: "\"index\":\(place),"
        case .missing: ""
        case .null: "\"index\":null,"
        case .zero: "\"index\":0,"
        }
    }

    /// The usage as a member of the answer, with a comma before it.
    package func usage(_ tokens: Int) -> String {
        switch usage {
        case .whole: ",\"usage\":{\"prompt_tokens\":\(tokens),\"total_tokens\":\(tokens)}"
        case .fractional: ",\"usage\":{\"total_tokens\":\(tokens).5}"
        case .missing: ""
        case .null: ",\"usage\":null"
        }
    }
}
