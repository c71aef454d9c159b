/// From what and how this program was built: a seed of the simulation is valid for one build only.
package enum Build {
    package static let version = "0.2.0"

    package static let swift: String = {
        #if compiler(>=6.4)
        "6.4 or later"
        #elseif compiler(>=6.3.3)
        "6.3.3 or later"
        #elseif compiler(>=6.3.2)
        "6.3.2"
        #elseif compiler(>=6.3.1)
        "6.3.1"
        #else
        "6.3 or earlier"
        #endif
    }()

    package static let architecture: String = {
        #if arch(x86_64)
        "x86_64"
        #elseif arch(arm64)
        "arm64"
        #else
        "another architecture"
        #endif
    }()

    /// The build in one line.
    package static let words = "migrate \(version), Swift \(swift), \(architecture), \(kind) build"

    package static let kind: String = {
        #if DEBUG
        "debug"
        #else
        "release"
        #endif
    }()
}
