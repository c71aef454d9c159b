/// A sparse vector: indices ascending and distinct, one finite value each.
public struct SparseVector: Hashable, Sendable {
    /// Term ids, ascending.
    public let indices: [UInt32]
    /// One weight an index.
    public let values: [Double]

    /// Makes a vector of parallel arrays.
    public init(indices: [UInt32], values: [Double]) {
        precondition(indices.count == values.count)
        self.indices = indices
        self.values = values
    }
}
