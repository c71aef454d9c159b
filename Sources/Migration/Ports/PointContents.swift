/// A point with its text, for a thorough comparison.
package struct PointContents: Sendable, Equatable {
    package let point: StoredPoint
    /// The id of the parent that a child names, as it is stored; nil if there is none.
    package let parentID: String?
    /// The text of a child or a parent, depending on the point's own kind; nil if there is none.
    package let text: String?

    package init(point: StoredPoint, parentID: String?, text: String?) {
        self.point = point
        self.parentID = parentID
        self.text = text
    }

    /// Points per read: a parent's text takes about 10 kB and rarely 30, so that an answer takes one to three
    /// megabytes.
    package static let most = 100
}
