import ArgumentParser
import Terminal

/// Hidden commands that have moved to `migrate-lab`; each one says so.
protocol MovedCommand: ParsableCommand {
    static var name: String { get }
}

extension MovedCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: name, abstract: "Moved to `migrate-lab \(name)`.", shouldDisplay: false)
    }

    func run() throws {
        throw CommandEnd(.usage, "this is now `migrate-lab \(Self.name)`, in the program for testers")
    }
}

struct SimulateMovedCommand: MovedCommand {
    static let name = "simulate"

    /// All arguments, which are ignored.
    @Argument(parsing: .captureForPassthrough) var rest: [String] = []
}

struct ServeFakesMovedCommand: MovedCommand {
    static let name = "serve-fakes"

    /// All arguments, which are ignored.
    @Argument(parsing: .captureForPassthrough) var rest: [String] = []
}
