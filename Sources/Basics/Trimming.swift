extension StringProtocol {
    /// Without white space and line breaks at either end.
    ///
    /// White space is what Unicode defines as such, and the zero-width space, which Foundation's
    /// `whitespacesAndNewlines` contains as well.
    package var trimmed: String { trimmed { $0.properties.isWhitespace || $0 == "\u{200B}" } }

    /// Without the scalars at either end for which `goes` is true.
    ///
    /// It works on scalars, not on characters: if a space carries an accent, the accent stays.
    package func trimmed(_ goes: (Unicode.Scalar) -> Bool) -> String {
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !goes($0) }), let last = scalars.lastIndex(where: { !goes($0) })
        else { return "" }
        return String(self[first..<scalars.index(after: last)])
    }
}
