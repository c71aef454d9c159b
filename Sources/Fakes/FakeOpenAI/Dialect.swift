/// How a compatible server writes what OpenAI promises in one way; known over HTTP alone.
package struct Dialect: Sendable {
    /// What stands for the index of a vector.
    package enum Indices: String, Sendable, CaseIterable {
        case ordered, backwards, missing, null, zero
    }

    /// What stands for the usage.
    package enum Usage: String, Sendable, CaseIterable {
        case whole, fractional, missing, null
    }

    /// The order is that of the inputs, but for `backwards`.
    package var indices = Indices.ordered
    package var usage = Usage.whole
    /// Whether vectors are numbers, whatever was asked for.
    package var prefersNumbers = false
    /// What stands in place of a text's vector; nil = its vector.
    package var spoils: @Sendable (String) -> String? = { _ in nil }
    /// Whether what stands before the server answers in its place, with 404 and without a body.
    package var isGone = false

    package init() {}

    /// The member of the answer, with a comma after it.
    package func index(_ place: Int) -> String {
        switch indices {
        case .ordered, .backwards: "\"index\":\(place),"
        case .missing: ""
        case .null: "\"index\":null,"
        case .zero: "\"index\":0,"
        }
    }

    /// The member of the answer, with a comma before it.
    package func usage(_ tokens: Int) -> String {
        switch usage {
        case .whole: ",\"usage\":{\"prompt_tokens\":\(tokens),\"total_tokens\":\(tokens)}"
        case .fractional: ",\"usage\":{\"total_tokens\":\(tokens).5}"
        case .missing: ""
        case .null: ",\"usage\":null"
        }
    }
}
