package import ArgumentParser

extension AsyncParsableCommand {
    /// The main function of a program: parses the command line, runs one command, and turns every error into a sentence and
    /// an exit code.
    package static func runAndExit(as program: String) async -> Never {
        StandardStreams.secure()
        SignalInbox.shared.start()
        do {
            var command = try await asyncParseAsRoot()
            if var asyncCommand = command as? any AsyncParsableCommand {
                try await asyncCommand.run()
            } else {
                try command.run()
            }
            Console.standard.exit(0)
        } catch {
            let ending = Ending(
                error,
                of: program,
                usage: { (exitCode(for: $0).rawValue, fullMessage(for: $0)) }
            )
            let console = Console.standard
            if !ending.message.isEmpty {
                if ending.status == 0 { console.out(ending.message) } else { console.error(ending.message) }
            }
            console.exit(ending.status)
        }
    }
}
