/// Makes the ids of points: the same record and the same place in it give the same id on every host.
///
/// This makes every write repeatable. If a deployment sets the namespace of another application that writes into the
/// same collection, both use the same ids.
public struct PointIdentity: Sendable, Hashable {
    /// The UUID that is derived from the namespace's text.
    public let namespace: PointID

    /// Makes the ids of one namespace.
    ///
    /// - Parameter namespace: free text (`POINT_ID_NAMESPACE`), part of a job's fingerprint.
    public init(namespace: String) {
        self.namespace = PointID(namespace: Self.urlNamespace, name: namespace)
    }

    /// The id of a parent point.
    ///
    /// - Parameters:
    ///   - memberCode: the record's tenant, as it is stored.
    ///   - recordID: the record's id.
    ///   - parent: the parent's place in the record, from 0.
    /// - Returns: UUIDv5 of `parent:{member_code}:{summary_id}:{parent_idx}`.
    public func parentID(memberCode: String, recordID: Int64, parent: Int) -> PointID {
        PointID(namespace: namespace, name: "parent:\(memberCode):\(recordID):\(parent)")
    }

    /// The id of a child point.
    ///
    /// - Parameters:
    ///   - memberCode: the record's tenant, as it is stored.
    ///   - recordID: the record's id.
    ///   - parent: the parent's place in the record, from 0.
    ///   - chunk: the child's place in its parent, from 0.
    /// - Returns: UUIDv5 of `child:{member_code}:{summary_id}:{parent_idx}_{chunk_index}`.
    public func childID(memberCode: String, recordID: Int64, parent: Int, chunk: Int) -> PointID {
        PointID(namespace: namespace, name: "child:\(memberCode):\(recordID):\(parent)_\(chunk)")
    }

    /// The URL namespace of RFC 9562, section 6.6.
    private static let urlNamespace = PointID(high: 0x6ba7_b811_9dad_11d1, low: 0x80b4_00c0_4fd4_30c8)
}
