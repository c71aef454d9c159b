import Glibc

extension Double {
    /// The number with this many digits after the point, as C's `%.*f` writes it.
    ///
    /// The exact value is rounded, and a tie goes to the even digit: 0.5 becomes `0`, 1.5 becomes `2`. Other forms are `inf`, `-inf`,
    /// `nan` and `-nan`. The point is a point in every locale, because no program of ours calls `setlocale`.
    ///
    /// - Parameter digits: 0 or more.
    /// - Returns: the text, in ASCII.
    package func fixedPoint(_ digits: Int) -> String {
        precondition(digits >= 0, "a number has no \(digits) digits behind its point")
        // The greatest number has 309 digits before the point. The sign, the point and the zero byte come on top.
        let capacity = 312 + digits
        return unsafe withVaList([Int32(digits), self]) { arguments in
            unsafe String(unsafeUninitializedCapacity: capacity) { bytes in
                let written = unsafe bytes.withMemoryRebound(to: CChar.self) { text in
                    unsafe vsnprintf(text.baseAddress, text.count, "%.*f", arguments)
                }
                return min(max(Int(written), 0), capacity)
            }
        }
    }
}
