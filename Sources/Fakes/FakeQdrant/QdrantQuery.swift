import Glibc

/// The distance of two dense vectors.
enum QdrantDistance: String, Sendable {
    case cosine = "Cosine"
    case euclid = "Euclid"
    case dot = "Dot"
    case manhattan = "Manhattan"

    /// Whether a greater score means nearer.
    var isSimilarity: Bool { self == .cosine || self == .dot }

    /// The score Qdrant reports; for `cosine` both vectors have length 1.
    func score(_ left: [Float], _ right: [Float]) -> Double {
        var sum: Float = 0
        switch self {
        case .cosine, .dot:
            for index in left.indices where left[index] != 0 { sum += left[index] * right[index] }
        case .euclid:
            for index in left.indices { sum += (left[index] - right[index]) * (left[index] - right[index]) }
            sum = sum.squareRoot()
        case .manhattan:
            for index in left.indices { sum += abs(left[index] - right[index]) }
        }
        return Double(sum)
    }

    /// The vector with length 1; one of zeros stays as it is.
    static func normalised(_ vector: [Float]) -> [Float] {
        var squares: Float = 0
        for value in vector { squares += value * value }
        guard squares > 0, abs(squares - 1) > 1e-6 else { return vector }
        let scale = 1 / squares.squareRoot()
        return vector.map { $0 * scale }
    }
}

/// A search in a collection: the nearest points to a vector, or several such lists joined.
package struct QdrantQuery: Sendable {
    enum Scoring: Sendable {
        case dense(String, [Float])
        case sparse(String, QdrantSparse)
        /// Reciprocal rank fusion of the prefetched lists: the sum of 1 / (k + (rank + 1) / weight - 1), ranks from 0.
        case fusion(k: Double, weights: [Float])
        /// Points in the order of a payload field.
        case order(QdrantOrder)
        /// No score: points in the order of their ids.
        case none
    }

    /// A point and its score.
    struct Hit: Sendable {
        let key: QdrantPointKey
        var score: Double
        /// The value by which the point was ordered.
        var order: JSONValue?
    }

    /// Qdrant's own constant of the fusion.
    static let fusionK = 2.0

    var scoring: Scoring
    var prefetch: [QdrantQuery] = []
    var filter: QdrantFilter?
    var limit: Int
    var offset = 0
    var threshold: Double?
    /// A point that is no result: the one whose vector is searched.
    var excluded: QdrantPointKey?
    /// Only checked: the fake compares everything exactly.
    var oversampling: Double?
}

extension QdrantCollection {
    /// The best points, best first; equal scores in the order of the ids.
    mutating func hits(_ query: QdrantQuery) throws(QdrantRefusal) -> [QdrantQuery.Hit] {
        var hits: [QdrantQuery.Hit]
        var isSimilarity = true
        var isSorted = false
        if case .fusion(let k, let weights) = query.scoring {
            hits = try fused(query, k, weights)
        } else {
            var filter = query.filter
            if !query.prefetch.isEmpty {
                var found: Set<QdrantPointKey> = []
                for inner in try prefetched(query) { found.formUnion(inner.map(\.key)) }
                filter = QdrantFilter(must: [.hasID(found)] + (query.filter.map { [.filter($0)] } ?? []))
            }
            // Sorted only if the result is in the order of ids: scored points get sorted anyway.
            let candidates = if case .none = query.scoring { keys(filter) } else { unordered(filter) }
            switch query.scoring {
            case .dense(let name, let vector):
                try check(vector, of: name)
                let distance = dense[name]?.distance ?? .dot
                isSimilarity = distance.isSimilarity
                hits = nearest(candidates, name, vector, distance)
            case .sparse(let name, let vector):
                guard let weighsRarity = sparse[name] else { throw .noVector(name) }
                hits = nearest(candidates, name, vector, weighsRarity: weighsRarity)
            case .order(let order):
                hits = try ordered(by: order, filter).map { QdrantQuery.Hit(key: $0, score: 1, order: $1) }
                isSorted = true
            case .fusion, .none: hits = candidates.map { QdrantQuery.Hit(key: $0, score: 1) }
            }
        }
        if let excluded = query.excluded { hits.removeAll { $0.key == excluded } }
        if !isSorted { hits.sort { $0.score == $1.score ? $0.key < $1.key : ($0.score > $1.score) == isSimilarity } }
        if let threshold = query.threshold {
            hits.removeAll { isSimilarity ? $0.score < threshold : $0.score > threshold }
        }
        return Array(hits.dropFirst(query.offset).prefix(query.limit))
    }

    /// The lists from which a query starts; the query's filter applies to them too.
    private mutating func prefetched(_ query: QdrantQuery) throws(QdrantRefusal) -> [[QdrantQuery.Hit]] {
        var lists: [[QdrantQuery.Hit]] = []
        for var inner in query.prefetch {
            if let outer = query.filter {
                inner.filter = inner.filter.map { outer.joined($0) } ?? outer
            }
            lists.append(try hits(inner))
        }
        return lists
    }

    private mutating func fused(
        _ query: QdrantQuery,
        _ k: Double,
        _ weights: [Float]
    ) throws(QdrantRefusal) -> [QdrantQuery.Hit] {
        var scores: [QdrantPointKey: Double] = [:]
        for (place, list) in try prefetched(query).enumerated() {
            let weight = place < weights.count ? Double(weights[place]) : 1
            for (rank, hit) in list.enumerated() {
                scores[hit.key, default: 0] += weight > 0 ? 1 / (k + Double(rank + 1) / weight - 1) : 0
            }
        }
        return scores.map { QdrantQuery.Hit(key: $0.key, score: $0.value) }
    }

    private func nearest(
        _ candidates: [QdrantPointKey],
        _ name: String,
        _ vector: [Float],
        _ distance: QdrantDistance
    ) -> [QdrantQuery.Hit] {
        let vector = distance == .cosine ? QdrantDistance.normalised(vector) : vector
        return candidates.compactMap { key in
            points[key]?.dense[name].map { QdrantQuery.Hit(key: key, score: distance.score(vector, $0)) }
        }
    }

    /// Points that share a term with the query, by the product of the weights.
    private func nearest(
        _ candidates: [QdrantPointKey],
        _ name: String,
        _ vector: QdrantSparse,
        weighsRarity: Bool
    ) -> [QdrantQuery.Hit] {
        let rarity = weighsRarity ? rarity(of: vector.indices, name) : vector.indices.map { _ in 1 }
        return candidates.compactMap { key in
            guard let stored = points[key]?.sparse[name] else { return nil }
            var score = 0.0
            var isFound = false
            for (term, index) in vector.indices.enumerated() {
                guard let value = stored.value(at: index) else { continue }
                isFound = true
                score += Double(value) * Double(vector.values[term]) * rarity[term]
            }
            return isFound ? QdrantQuery.Hit(key: key, score: score) : nil
        }
    }

    /// Qdrant's `idf` modifier: ln((N − df + 0.5) / (df + 0.5) + 1) for each term.
    private func rarity(of terms: [UInt32], _ name: String) -> [Double] {
        var holders = [Int](repeating: 0, count: terms.count)
        var total = 0
        for point in points.values {
            guard let stored = point.sparse[name] else { continue }
            total += 1
            for (term, index) in terms.enumerated() where stored.value(at: index) != nil { holders[term] += 1 }
        }
        return holders.map { log((Double(total - $0) + 0.5) / (Double($0) + 0.5) + 1) }
    }
}
