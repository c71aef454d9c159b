/// Term weights by the ids of their terms; ids ascend and are unique.
public struct SparseVector: Sendable, Hashable {
    /// The ids of the terms, from 0 to 2^31.
    public let indices: [UInt32]
    /// The weight of each, above 0.
    public let values: [Double]

    /// A vector of ids and their weights in the same order.
    public init(indices: [UInt32], values: [Double]) {
        precondition(indices.count == values.count, "a sparse vector needs one value for each index")
        self.indices = indices
        self.values = values
    }
}
