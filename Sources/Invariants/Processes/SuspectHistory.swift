package import Migration

/// I32: a record is given up for failures of a service only after five failures of its own within at least two minutes,
/// each followed by good input that went well.
///
/// It knows only what has left one process and what came back, not what the process concludes from it.
package struct SuspectHistory: Sendable {
    /// Records of which a single text, point or row has failed since the last good input of that service.
    private var pending: [(service: Service, record: RecordID, at: Int64)] = []
    /// By record: failures that were followed by good input.
    private var confirmed: [RecordID: [Int64]] = [:]

    package init() {}

    /// A call about one text, point or row has failed.
    package mutating func failed(_ record: RecordID, at service: Service, at now: Int64) {
        pending.append((service, record, now))
    }

    /// Good input went well.
    package mutating func wentWell(at service: Service) {
        if pending.isEmpty { return }
        for failure in pending where failure.service == service {
            confirmed[failure.record, default: []].append(failure.at)
        }
        pending.removeAll { $0.service == service }
    }

    /// The process reports dead letters.
    package func finding(_ letters: [FailedRecord], by process: String) -> Finding? {
        for letter in letters where !letter.permanent {
            let failures = confirmed[letter.recordId] ?? []
            // A clock may be 200 parts per million too fast.
            let span = Duration.nanoseconds((failures.last ?? 0) - (failures.first ?? 0)) + .milliseconds(100)
            guard failures.count < 5 || span < .seconds(120) else { continue }
            return Finding(
                32,
                "record \(letter.recordId) is given up by \(process) after \(failures.count) failures in \(span)"
            )
        }
        return nil
    }
}
