import Migration

/// The operating system's random numbers.
package struct SystemEntropy: Entropy {
    package init() {}

    package func next() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
