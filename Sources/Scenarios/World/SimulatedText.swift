import Fakes
import Migration
import TextProcessing

/// The text processing of simulated jobs: the real engine, with chunks so small that a short text has several.
enum SimulatedText {
    static let limits: ChunkLimits = {
        guard let limits = try? ChunkLimits(parentMaxTokens: 160, parentChunkSize: 96, chunkSize: 48, chunkOverlap: 8)
        else { preconditionFailure("these limits make sense") }
        return limits
    }()

    static let identity = PointIdentity(namespace: "migrate")

    static let shaper = shaper("migrate")

    /// The settings of the other table's program: `run` demands different namespaces of two tables in one collection.
    static let neighbour = shaper("shop")

    private static func shaper(_ namespace: String) -> RecordShaper {
        let counter = WordTokenizer()
        // Without stemming: nothing here depends on it, and it takes 2.5 % of the time.
        let sparse = SparseParameters(isStemming: false)
        guard let encoder = try? SparseEncoder(sparse) else { preconditionFailure("English is supported") }
        return RecordShaper(
            chunker: Chunker(counter: counter, limits: limits),
            sparseEncoder: encoder,
            identity: PointIdentity(namespace: namespace),
            profile: Profile(
                tokenizer: counter.identity,
                limits: limits,
                model: "simulated",
                dimensions: SimulatedWorld.dimensions,
                sparse: sparse
            )
        )
    }

    @Sendable static func tokens(_ text: String) -> Int { max(1, WordTokenizer().count(text)) }
}

/// The texts of records with a defect, as the services meet them.
struct BrokenTexts {
    private var texts: [String: Trouble] = [:]
    private var children: [String: Trouble] = [:]
    private var parents: [String: Trouble] = [:]
    /// The texts of points that the collection refuses with a clear answer.
    private var refusedChildren: Set<String> = []
    private var refusedParents: Set<String> = []

    init(_ workload: Workload) {
        guard !workload.defects.isEmpty else { return }
        for row in workload.rows {
            guard let defect = workload.defects[row.id], case .points(let points) = SimulatedText.shaper.shape(row),
                let child = points.children.last, let parent = points.parents.first
            else { continue }
            switch defect {
            case .text(let trouble): texts[child.text] = trouble
            case .child(let trouble): children[child.text] = trouble
            case .parent(let trouble): parents[parent.text] = trouble
            case .refused(.child): refusedChildren.insert(child.text)
            case .refused(.parent): refusedParents.insert(parent.text)
            case .row: break
            }
        }
    }

    var embedding: @Sendable (String) -> Trouble? {
        guard !texts.isEmpty else { return { _ in nil } }
        return { [texts] in texts[$0] }
    }

    var writing: @Sendable (Point) -> Trouble? {
        guard !children.isEmpty || !parents.isEmpty else { return { _ in nil } }
        return { [children, parents] point in
            switch point.body {
            case .parent(let text): parents[text]
            case .child(_, _, let text, _): children[text]
            }
        }
    }

    var refusing: @Sendable (Point) -> Bool {
        guard !refusedChildren.isEmpty || !refusedParents.isEmpty else { return { _ in false } }
        return { [refusedChildren, refusedParents] point in
            switch point.body {
            case .parent(let text): refusedParents.contains(text)
            case .child(_, _, let text, _): refusedChildren.contains(text)
            }
        }
    }
}
