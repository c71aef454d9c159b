/// A point with the text it carries: what a thorough comparison looks at.
package struct PointContents: Sendable, Equatable {
    package let point: StoredPoint
    /// The id that a child names as its parent's, as it is stored; nil where there is none.
    package let parentID: String?
    /// The text of a child or a parent, by the point's own kind; nil where there is none.
    package let text: String?

    package init(point: StoredPoint, parentID: String?, text: String?) {
        self.point = point
        self.parentID = parentID
        self.text = text
    }

    /// Points read at once: a parent's text takes about 10 kB and rarely 30, so that an answer takes a megabyte or three.
    package static let most = 100
}
