package import Migration

/// A row that a harness puts into the source table: NULLs as nil.
package struct SourceRow: Sendable, Equatable {
    /// The key.
    package let id: RecordID
    /// The tenant column.
    package let memberCode: String?
    /// The content column.
    package let content: String?

    package init(id: RecordID, memberCode: String? = "m", content: String? = "text") {
        self.id = id
        self.memberCode = memberCode
        self.content = content
    }
}

/// The promises of a record source, kept by the fake and by real servers.
package struct RecordSourceConformance: Sendable {
    /// Longer contents must be reported as `tooLong`; the harness configures its source so.
    package static let bytesMax = 4096

    private let make: @Sendable ([SourceRow]) async throws -> any RecordSource

    /// - Parameter make: a source over a table that holds exactly these rows, with `bytesMax` as its limit and no `where`.
    package init(make: @escaping @Sendable ([SourceRow]) async throws -> any RecordSource) {
        self.make = make
    }

    /// What a source must do.
    package enum Rule: String, CaseIterable, Sendable {
        case emptyTableHasNoIDs
        case highestIDAndCount
        case pagesJoinToAllIDs
        case cursorIsExclusive
        case upperBoundIsInclusive
        case negativeIDsComeFirst
        case everyBitOfAnIDIsKept
        case pagesAreShortOnlyAtTheEnd
        case rowsBehindTheBoundStayOut
        case recordsComeByExactIDs
        case recordsComeAscending
        case missingRecordsAreLeftOut
        case nullsAreToldApart
        case textsAreUntouched
        case longTextsAreNotRead
        case aThousandRecordsInOneCall
    }

    /// Checks one rule.
    ///
    /// - Throws: an error that says which promise was broken, or whatever the source threw.
    package func check(_ rule: Rule) async throws {
        switch rule {
        case .emptyTableHasNoIDs: try await emptyTableHasNoIDs()
        case .highestIDAndCount: try await highestIDAndCount()
        case .pagesJoinToAllIDs: try await pagesJoinToAllIDs()
        case .cursorIsExclusive: try await cursorIsExclusive()
        case .upperBoundIsInclusive: try await upperBoundIsInclusive()
        case .negativeIDsComeFirst: try await negativeIDsComeFirst()
        case .everyBitOfAnIDIsKept: try await everyBitOfAnIDIsKept()
        case .pagesAreShortOnlyAtTheEnd: try await pagesAreShortOnlyAtTheEnd()
        case .rowsBehindTheBoundStayOut: try await rowsBehindTheBoundStayOut()
        case .recordsComeByExactIDs: try await recordsComeByExactIDs()
        case .recordsComeAscending: try await recordsComeAscending()
        case .missingRecordsAreLeftOut: try await missingRecordsAreLeftOut()
        case .nullsAreToldApart: try await nullsAreToldApart()
        case .textsAreUntouched: try await textsAreUntouched()
        case .longTextsAreNotRead: try await longTextsAreNotRead()
        case .aThousandRecordsInOneCall: try await aThousandRecordsInOneCall()
        }
    }

    // MARK: Ids

    private static let hugeIDs: [RecordID] = [
        .min, -9_007_199_254_740_993, -1, 0, 1, 9_007_199_254_740_992, 9_007_199_254_740_993,
        1_823_456_789_012_345_679, .max - 1, .max,
    ]

    private func source(_ ids: [RecordID]) async throws -> any RecordSource {
        // Inserted in another order than that of the ids.
        try await make(ids.reversed().map { SourceRow(id: $0) })
    }

    private func emptyTableHasNoIDs() async throws {
        let source = try await source([])
        try expectEqual(try await source.highestID(), nil, "highest id of an empty table")
        try expectEqual(try await source.count(through: .max), 0, "rows of an empty table")
        try expectEqual(try await source.ids(after: nil, through: .max, limit: 10), [], "ids of an empty table")
        try expectEqual(try await source.records([1]), [], "records of an empty table")
    }

    private func highestIDAndCount() async throws {
        let source = try await source([-7, 3, 12])
        try expectEqual(try await source.highestID(), 12, "highest id")
        try expectEqual(try await source.count(through: 12), 3, "rows up to the highest")
        try expectEqual(try await source.count(through: 11), 2, "rows up to 11")
        try expectEqual(try await source.count(through: -8), 0, "rows up to -8")
    }

    private func pagesJoinToAllIDs() async throws {
        let ids = (0..<57).map { RecordID($0 * $0) }
        let source = try await source(ids)
        for limit in [1, 7, 56, 57, 58] {
            var read: [RecordID] = []
            while true {
                let page = try await source.ids(after: read.last, through: .max, limit: limit)
                read += page
                if page.count < limit { break }
            }
            try expectEqual(read, ids, "ids by pages of \(limit)")
        }
    }

    private func cursorIsExclusive() async throws {
        let source = try await source([10, 20, 30])
        try expectEqual(try await source.ids(after: 10, through: 30, limit: 9), [20, 30], "ids after 10")
        try expectEqual(try await source.ids(after: 11, through: 30, limit: 9), [20, 30], "ids after 11")
        try expectEqual(try await source.ids(after: 30, through: 30, limit: 9), [], "ids after the last")
        try expectEqual(
            try await source.ids(after: .max, through: .max, limit: 9),
            [],
            "ids after the highest possible"
        )
    }

    private func upperBoundIsInclusive() async throws {
        let source = try await source([10, 20, 30])
        try expectEqual(try await source.ids(after: nil, through: 20, limit: 9), [10, 20], "ids through 20")
        try expectEqual(try await source.ids(after: nil, through: 19, limit: 9), [10], "ids through 19")
        try expectEqual(try await source.ids(after: nil, through: 9, limit: 9), [], "ids through 9")
    }

    private func negativeIDsComeFirst() async throws {
        let source = try await source([-3, -2, 0, 5])
        try expectEqual(
            try await source.ids(after: nil, through: 5, limit: 9),
            [-3, -2, 0, 5],
            "ids from the beginning"
        )
        try expectEqual(try await source.ids(after: -3, through: 5, limit: 2), [-2, 0], "ids after -3")
    }

    private func everyBitOfAnIDIsKept() async throws {
        let source = try await source(Self.hugeIDs)
        try expectEqual(try await source.ids(after: nil, through: .max, limit: 99), Self.hugeIDs, "ids")
        try expectEqual(try await source.highestID(), .max, "highest id")
        try expectEqual(
            try await source.ids(after: 9_007_199_254_740_992, through: 9_007_199_254_740_993, limit: 9),
            [9_007_199_254_740_993],
            "the id that a Double cannot hold"
        )
        try expectEqual(try await source.records(Self.hugeIDs).map(\.id), Self.hugeIDs, "ids of the records")
    }

    private func pagesAreShortOnlyAtTheEnd() async throws {
        let source = try await source([1, 2, 3, 4])
        try expectEqual(try await source.ids(after: nil, through: 4, limit: 3).count, 3, "a full page")
        try expectEqual(try await source.ids(after: 3, through: 4, limit: 3).count, 1, "the last page")
    }

    private func rowsBehindTheBoundStayOut() async throws {
        let source = try await source([1, 2, 3, 4])
        try expectEqual(try await source.ids(after: 1, through: 3, limit: 99), [2, 3], "ids up to the bound")
    }

    // MARK: Records

    private func recordsComeByExactIDs() async throws {
        let source = try await make([
            SourceRow(id: 1, memberCode: "a", content: "one"),
            SourceRow(id: 2, memberCode: "b", content: "two"),
            SourceRow(id: 3, memberCode: "c", content: "three"),
        ])
        let expected = [
            SourceRecord(id: 1, memberCode: "a", content: .text("one")),
            SourceRecord(id: 3, memberCode: "c", content: .text("three")),
        ]
        try expectEqual(try await source.records([1, 3]), expected, "records")
    }

    private func recordsComeAscending() async throws {
        let source = try await source([-5, 1, 2, 3, .max])
        let records = try await source.records([3, .max, -5, 1])
        try expectEqual(records.map(\.id), [-5, 1, 3, .max], "ids of records asked for in another order")
    }

    private func missingRecordsAreLeftOut() async throws {
        let source = try await source([1, 3])
        try expectEqual(try await source.records([1, 2, 3, 4]).map(\.id), [1, 3], "ids of the rows that exist")
        try expectEqual(try await source.records([2]), [], "records that have vanished")
    }

    private func nullsAreToldApart() async throws {
        let source = try await make([
            SourceRow(id: 1, memberCode: nil, content: "text"),
            SourceRow(id: 2, memberCode: "m", content: nil),
            SourceRow(id: 3, memberCode: "", content: ""),
            SourceRow(id: 4, memberCode: "m", content: " \n"),
        ])
        let expected = [
            SourceRecord(id: 1, memberCode: nil, content: .text("text")),
            SourceRecord(id: 2, memberCode: "m", content: .null),
            SourceRecord(id: 3, memberCode: "", content: .text("")),
            SourceRecord(id: 4, memberCode: "m", content: .text(" \n")),
        ]
        try expectEqual(try await source.records([1, 2, 3, 4]), expected, "NULL and blank columns")
    }

    private func textsAreUntouched() async throws {
        let texts = [
            "plain", "  spaces around \t", "line\r\nline\nline", "quote ' \" \\ %_ ;--", "Ünïcödé 漢字 🎉👨‍👩‍👧 e\u{301}",
            "null \u{0} byte", "\u{FEFF}mark", "&amp; <b>",
        ]
        let source = try await make(
            texts.enumerated().map { SourceRow(id: RecordID($0.offset), memberCode: "ü🎉", content: $0.element) }
        )
        let records = try await source.records(texts.indices.map { RecordID($0) })
        for (text, record) in zip(texts, records) {
            guard case .text(let read) = record.content else {
                throw RuleBroken("\(text.debugDescription) was read as \(record.content)")
            }
            // Byte for byte: `==` on strings would take two spellings of one character for equal.
            try expectEqual(Array(read.utf8), Array(text.utf8), "bytes of \(text.debugDescription)")
            try expectEqual(record.memberCode, "ü🎉", "tenant")
        }
        try expectEqual(records.count, texts.count, "records")
    }

    private func longTextsAreNotRead() async throws {
        let limit = Self.bytesMax
        let umlauts = String(repeating: "ü", count: limit / 2)
        let source = try await make([
            SourceRow(id: 1, content: String(repeating: "a", count: limit)),
            SourceRow(id: 2, content: String(repeating: "a", count: limit + 1)),
            SourceRow(id: 3, content: umlauts),
            SourceRow(id: 4, content: umlauts + "ü"),
            SourceRow(id: 5, content: "short"),
        ])
        let contents = try await source.records([1, 2, 3, 4, 5]).map(\.content)
        let expected: [SourceRecord.Content] = [
            .text(String(repeating: "a", count: limit)), .tooLong(bytes: limit + 1), .text(umlauts),
            .tooLong(bytes: limit + 2), .text("short"),
        ]
        try expectEqual(contents.count, 5, "records")
        for (number, (content, wanted)) in zip(contents, expected).enumerated() {
            try expect(content == wanted, "record \(number + 1) of \(limit) bytes at most was read wrongly")
        }
    }

    private func aThousandRecordsInOneCall() async throws {
        let ids = (0..<1000).map { RecordID($0) * 1_000_003 }
        let source = try await source(ids)
        try expectEqual(try await source.records(ids).map(\.id), ids, "a thousand records")
    }
}
