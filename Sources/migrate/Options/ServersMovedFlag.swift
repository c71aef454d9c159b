import ArgumentParser

/// Says that a job's servers have moved.
struct ServersMovedFlag: ParsableArguments {
    @Flag(
        name: .long,
        help: """
            The job's MySQL, Qdrant or embedder has a new name or address. Without it a job does not go on with servers that \
            it has not used before; and never where its work is not found on them.
            """
    )
    var serversMoved = false
}
