import Migration
import TextProcessing

/// Compares ended records with one look at the source.
///
/// A dead letter may have points, for example of its older text or of a write that was refused in the middle: these
/// must be right, but none has to exist (I18).
struct Comparison {
    /// A record to compare.
    struct Subject: Codable, Equatable {
        let record: RecordID
        let batch: Int
        /// Whether it is an open dead letter.
        let isGivenUp: Bool
    }

    private(set) var right = 0
    private(set) var blank = 0
    private(set) var vanished = 0
    private(set) var points = 0
    private(set) var findings: [VerificationReport.Finding] = []
    /// Records without a text at the first look; they are compared at the second look, and nothing else is reported
    /// about them.
    private(set) var doubtful: [Subject] = []
    /// Points of blank or vanished records without this source: they stay.
    private(set) var kept = 0
    /// Points with the right checksum that are wrong all the same: a repair must not take them for current.
    private(set) var distrusted: Set<PointID> = []
    private let survey: Survey

    /// Compares records whose texts fit into memory together.
    init(
        of subjects: [Subject],
        _ look: BatchStateMachine.Look,
        isDeep: Bool,
        survey: Survey
    ) async throws(ServiceFailure) {
        self.survey = survey
        do throws(WorkEnd) {
            let ids = subjects.map(\.record)
            let rows = try await survey.read(ids).rows
            let stored = try await survey.points(of: ids)
            var expected: [Expected] = []
            for (subject, row) in zip(subjects, rows) {
                let found = stored[subject.record] ?? []
                if let points = try sort(subject, row, found, look) {
                    expected.append(Expected(subject: subject, points: points, found: found))
                }
            }
            try await compare(expected, isDeep: isDeep)
        } catch {
            throw ServiceFailure(error)
        }
    }

    /// Separates the records without a text; the points of the others are to be compared.
    private mutating func sort(
        _ subject: Subject,
        _ row: Survey.Row,
        _ found: [StoredPoint],
        _ look: BatchStateMachine.Look
    ) throws(WorkEnd) -> RecordPoints? {
        if case .unreadable = row {
            points += found.count
            // It was given up because it cannot be read: its points cannot be judged, and do not count as strangers.
            if subject.isGivenUp { return nil }
            throw .unreadable(subject.record)
        }
        if found.isEmpty, subject.isGivenUp { return nil }
        switch row {
        case .unreadable: return nil
        case .missing: sort(absent: subject, isBlank: false, found, look)
        case .blank: sort(absent: subject, isBlank: true, found, look)
        case .failed:
            points += found.count
            // The row became invalid after it was migrated; its points belong to an older text.
            add(subject, .stale, max(1, found.count))
        case .points(let expected):
            points += found.count
            return expected
        }
        return nil
    }

    private mutating func sort(
        absent subject: Subject,
        isBlank: Bool,
        _ found: [StoredPoint],
        _ look: BatchStateMachine.Look
    ) {
        if look == .first, !isBlank || !survey.removable(found).isEmpty {
            doubtful.append(subject)
        } else {
            compare(absent: subject, isBlank: isBlank, with: found)
        }
    }

    /// A record without a text must have no points, except those that this source must not delete.
    private mutating func compare(absent subject: Subject, isBlank: Bool, with found: [StoredPoint]) {
        points += found.count
        let surplus = survey.removable(found).count
        kept += found.count - surplus
        if surplus > 0 {
            add(subject, .unexpected, surplus)
        } else if isBlank {
            blank += 1
        } else {
            vanished += 1
        }
    }

    private mutating func compare(
        _ records: [Expected],
        isDeep: Bool
    ) async throws(WorkEnd) {
        var unread: [Expectation] = []
        for record in records {
            let subject = record.subject
            let expectations = record.points.expectations(of: subject)
            let version = survey.version(of: record.points, among: record.found)
            let byID = Dictionary(record.found.map { ($0.id, $0) }) { first, _ in first }
            var counts = Counts()
            for expectation in expectations {
                guard let point = byID[expectation.id] else {
                    if !subject.isGivenUp { unread.append(expectation) }
                    continue
                }
                if let kind = judge(point, expectation, isCurrent: version.has(point.id)) {
                    counts.add(kind)
                    if kind != .stale { distrusted.insert(point.id) }
                } else if isDeep {
                    unread.append(expectation)
                }
            }
            counts.add(.unexpected, version.stale.count)
            add(subject, counts)
        }
        try await read(unread)
        let wrong = Set(findings.map(\.record))
        right += records.count { !wrong.contains($0.subject.record) && !$0.subject.isGivenUp }
    }

    /// What is wrong with an existing point; nil when it is right, as far as that shows without its text.
    private func judge(
        _ point: StoredPoint,
        _ expected: Expectation,
        isCurrent: Bool
    ) -> VerificationReport.Finding.Kind? {
        if !isCurrent { return .stale }
        if point.memberCode != expected.record.memberCode { return .memberCode }
        return expected.isPlace(of: point) ? nil : .place
    }

    /// Reads points by id: points that were not found among this source's, and in a deep comparison the texts of the
    /// others.
    private mutating func read(_ expectations: [Expectation]) async throws(WorkEnd) {
        var rest = expectations[...]
        var counts: [RecordID: Counts] = [:]
        while !rest.isEmpty {
            let page = Array(rest.prefix(PointContents.most))
            rest = rest.dropFirst(page.count)
            let found = try await survey.caller.call(.points) { () async throws(PortFailure) in
                try await survey.caller.ports.points.contents(of: page.map(\.id))
            }
            let byID = Dictionary(found.map { ($0.point.id, $0) }) { first, _ in first }
            for expected in page {
                guard let kind = judge(byID[expected.id], expected) else { continue }
                counts[expected.subject.record, default: Counts()].add(kind)
                if kind != .missing { distrusted.insert(expected.id) }
            }
        }
        for expected in expectations {
            guard let count = counts.removeValue(forKey: expected.subject.record) else { continue }
            add(expected.subject, count)
        }
    }

    private func judge(_ contents: PointContents?, _ expected: Expectation) -> VerificationReport.Finding.Kind? {
        guard let contents else { return .missing }
        if !survey.caller.plan.owner.owns(contents.point) { return .source }
        if contents.point.recordID != expected.record.id { return .place }
        let isCurrent = survey.isCurrent(contents.point, of: expected.record)
        if let kind = judge(contents.point, expected, isCurrent: isCurrent) { return kind }
        if contents.parentID != expected.parentID?.description { return .place }
        return contents.text == expected.text ? nil : .text
    }

    private mutating func add(_ subject: Subject, _ counts: Counts) {
        for kind in VerificationReport.Finding.Kind.allCases {
            if let count = counts.points[kind] { add(subject, kind, count) }
        }
    }

    private mutating func add(_ subject: Subject, _ kind: VerificationReport.Finding.Kind, _ points: Int) {
        findings.append(
            VerificationReport.Finding(record: subject.record, batch: subject.batch, kind: kind, points: points)
        )
    }

    /// A record with a text, and the points that were found for it.
    private struct Expected {
        let subject: Subject
        let points: RecordPoints
        let found: [StoredPoint]
    }

    /// The points of one record, counted by what is wrong with them.
    private struct Counts {
        private(set) var points: [VerificationReport.Finding.Kind: Int] = [:]

        mutating func add(_ kind: VerificationReport.Finding.Kind, _ count: Int = 1) {
            if count > 0 { points[kind, default: 0] += count }
        }
    }
}

/// A point that a record must have.
private struct Expectation {
    let subject: Comparison.Subject
    let record: RecordPoints
    let id: PointID
    let kind: PointKind
    let parentIndex: Int
    let chunkIndex: Int?
    let parentID: PointID?
    let text: String

    /// Whether a stored point has this place in its record.
    func isPlace(of point: StoredPoint) -> Bool {
        point.kind == kind && point.parentIndex == parentIndex && point.chunkIndex == chunkIndex
    }
}

extension RecordPoints {
    fileprivate func expectations(of subject: Comparison.Subject) -> [Expectation] {
        parents.map {
            Expectation(
                subject: subject,
                record: self,
                id: $0.id,
                kind: .parent,
                parentIndex: $0.index,
                chunkIndex: nil,
                parentID: nil,
                text: $0.text
            )
        }
            + children.map {
                Expectation(
                    subject: subject,
                    record: self,
                    id: $0.id,
                    kind: .child,
                    parentIndex: $0.parentIndex,
                    chunkIndex: $0.chunkIndex,
                    parentID: $0.parentID,
                    text: $0.text
                )
            }
    }
}

extension WorkEnd {
    /// A row that cannot be read while others can: waiting does not help.
    static func unreadable(_ record: RecordID) -> WorkEnd {
        .fatal(
            .source,
            PortFailure(
                .unavailable,
                "record \(record) cannot be read, but others can",
                code: ServiceFailure.unreadableCode
            )
        )
    }
}
