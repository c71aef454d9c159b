package import Migration

/// All ports of the engine.
///
/// An object, because every call of a port holds it, and copying seven existentials costs as much as a short call.
package final class EnginePorts: Sendable {
    package let source: any RecordSource
    package let store: any JobStore
    package let embedder: any Embedder
    /// Keeps vectors on this host; nil = none are kept.
    package let cache: (any EmbeddingCache)?
    package let points: any PointStore
    package let journal: any LeaseJournal
    package let time: Time
    package let entropy: any Entropy
    /// Receives the events; must return quickly.
    package let report: @Sendable (MigrationEvent) -> Void

    package init(
        source: any RecordSource,
        store: any JobStore,
        embedder: any Embedder,
        cache: (any EmbeddingCache)? = nil,
        points: any PointStore,
        journal: any LeaseJournal = NoLeaseJournal(),
        time: Time,
        entropy: any Entropy,
        report: @escaping @Sendable (MigrationEvent) -> Void
    ) {
        self.source = source
        self.store = store
        self.embedder = embedder
        self.cache = cache
        self.points = points
        self.journal = journal
        self.time = time
        self.entropy = entropy
        self.report = report
    }

    /// The same ports with another receiver of events.
    package func reporting(to report: @escaping @Sendable (MigrationEvent) -> Void) -> EnginePorts {
        EnginePorts(
            source: source,
            store: store,
            embedder: embedder,
            cache: cache,
            points: points,
            journal: journal,
            time: time,
            entropy: entropy,
            report: report
        )
    }
}
