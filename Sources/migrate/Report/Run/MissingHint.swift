import Terminal

/// Says that many planned rows are not in the source, at most once per minute: if a tenth of a table was deleted, every
/// batch would say so.
struct MissingHint: Sendable {
    /// The shortest time between two sentences.
    private static let interval = Duration.seconds(60)

    private var missing = 0
    private var records = 0
    private var batches = 0
    private var told: Duration?

    /// Counts a batch.
    ///
    /// - Parameters:
    ///   - missing: its rows that were not found in two reads.
    ///   - records: its size.
    ///   - time: on any clock that only goes forward.
    /// - Returns: a sentence about the batches since the last one, or nil.
    mutating func apply(missing: Int, of records: Int, at time: Duration) -> String? {
        self.missing += missing
        self.records += records
        batches += 1
        if let told, time - told < Self.interval { return nil }
        defer { (self.missing, self.records, batches, told) = (0, 0, 0, time) }
        let what = "\(Format.count(Int64(self.missing))) of \(Format.plural(Int64(self.records), "planned row"))"
        let place = batches == 1 ? "one batch" : "\(batches) batches"
        return "\(what) in \(place) are not in MySQL, read twice: is this a lagging replica? "
            + "If so, set MYSQL_HOST to the primary; `migrate verify --repair` migrates the late rows."
    }
}
