import ArgumentParser
import Terminal

/// What has moved to `migrate-lab`: hidden, and says so to those who knew it here.
protocol MovedCommand: ParsableCommand {
    static var name: String { get }
}

extension MovedCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: name, abstract: "Moved to `migrate-lab \(name)`.", shouldDisplay: false)
    }

    func run() throws {
        throw CommandEnd(.usage, "this is `migrate-lab \(Self.name)` now: a program of its own, for those who test")
    }
}

struct SimulateMovedCommand: MovedCommand {
    static let name = "simulate"

    /// Whatever it was called with.
    @Argument(parsing: .captureForPassthrough) var rest: [String] = []
}

struct ServeFakesMovedCommand: MovedCommand {
    static let name = "serve-fakes"

    /// Whatever it was called with.
    @Argument(parsing: .captureForPassthrough) var rest: [String] = []
}
