package import Migration

/// `ingestion_batch` of one job: the rows by number, and the two partial indexes that claims and the reaper read.
///
/// A write through the subscript keeps the indexes up to date, so that no caller has to; and a claim reads only what
/// can be claimed, not every batch.
package struct BatchTable: RandomAccessCollection, Sendable {
    /// A place in the order of claims.
    package struct Place: Comparable, Sendable {
        let availableAt: DatabaseTime
        let number: Int

        package static func < (left: Self, right: Self) -> Bool {
            (left.availableAt, left.number) < (right.availableAt, right.number)
        }
    }

    private var rows: [BatchRow] = []
    /// Waiting batches, in the order of claims.
    package private(set) var waiting: [Place] = []
    /// The numbers of batches at work, ascending.
    package private(set) var working: [Int] = []

    package var startIndex: Int { 0 }
    package var endIndex: Int { rows.count }

    package subscript(number: Int) -> BatchRow {
        _read { yield rows[number] }
        _modify {
            let (place, status) = (rows[number].place, rows[number].status)
            defer { index(number, from: place, status) }
            yield &rows[number]
        }
    }

    /// Updates the indexes after a row was changed.
    private mutating func index(_ number: Int, from place: Place?, _ status: BatchStatus) {
        let (newPlace, newStatus) = (rows[number].place, rows[number].status)
        if place != newPlace {
            place.map { waiting.remove(sorted: $0) }
            newPlace.map { waiting.insert(sorted: $0) }
        }
        guard (status == .processing) != (newStatus == .processing) else { return }
        if newStatus == .processing { working.insert(sorted: number) } else { working.remove(sorted: number) }
    }

    /// The rows that are at work, by number.
    package var atWork: some BidirectionalCollection<BatchRow> { working.lazy.map { rows[$0] } }

    /// Adds a row with the next number.
    mutating func append(_ row: BatchRow) {
        rows.append(row)
        row.place.map { waiting.insert(sorted: $0) }
    }

    /// Removes the last rows.
    mutating func removeLast(_ count: Int) {
        for row in rows.suffix(count) {
            row.place.map { waiting.remove(sorted: $0) }
            if row.status == .processing { working.remove(sorted: row.number) }
        }
        rows.removeLast(count)
    }

    /// The place of a batch in the order of claims, also after it has left that order.
    func place(of number: Int) -> Place { Place(availableAt: rows[number].nextRetryAt, number: number) }

    /// The first batch that becomes available later than now.
    func next(after now: DatabaseTime) -> Place? { waiting[end(at: now)...].first }

    /// The batches that may be claimed now, in order, from a place on.
    package func claimable(from floor: Place?, at now: DatabaseTime) -> ArraySlice<Place> {
        let start = floor.map { waiting.partition(before: $0) } ?? 0
        return waiting[Swift.min(start, end(at: now))..<end(at: now)]
    }

    /// The end of the available places.
    private func end(at now: DatabaseTime) -> Int {
        waiting.partition(before: Place(availableAt: now + .microseconds(1), number: .min))
    }
}

extension BatchRow {
    fileprivate var place: BatchTable.Place? {
        status == .pending ? BatchTable.Place(availableAt: nextRetryAt, number: number) : nil
    }
}

extension Array where Element: Comparable {
    /// The index of the first element that is not before another.
    fileprivate func partition(before element: Element) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < element { low = middle + 1 } else { high = middle }
        }
        return low
    }

    fileprivate mutating func insert(sorted element: Element) { insert(element, at: partition(before: element)) }

    fileprivate mutating func remove(sorted element: Element) { remove(at: partition(before: element)) }
}
