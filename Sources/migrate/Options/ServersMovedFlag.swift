import ArgumentParser

/// Says that a job's servers have moved.
struct ServersMovedFlag: ParsableArguments {
    @Flag(
        name: .long,
        help: """
            The job's MySQL, Qdrant or embedder has a new name or address. Without this flag a job does not use \
            servers that it has not used before. The flag does not help if the job's work is not found on them.
            """
    )
    var serversMoved = false
}
