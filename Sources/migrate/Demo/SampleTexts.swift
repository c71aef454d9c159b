import Migration

/// Made-up rows in several languages, always the same: they look like a table of short reports.
struct SampleTexts: Sendable {
    /// A snowflake id: above 2^53, where a floating-point number would be inexact.
    private static let firstID: RecordID = 1_258_291_663_585_714_176

    /// This many rows; as in real tables there are a NULL, blanks, very long texts and a missing tenant among them.
    static func rows(_ count: Int) -> [SourceRecord] {
        var dice = SplitMix64(seed: 7)
        var id = firstID
        return (0..<count).map { index in
            id += RecordID.random(in: 1...1 << 30, using: &dice)
            let member = index % 499 == 498 ? nil : "M00\(Int.random(in: 1...9, using: &dice))"
            let content: SourceRecord.Content =
                switch index % 500 {
                case 97: .null
                case 197: .text(" \n\t ")
                case 297: .text(report(paragraphs: 60, &dice))
                default: .text(report(paragraphs: Int.random(in: 1...4, using: &dice), &dice))
                }
            return SourceRecord(id: id, memberCode: member, content: content)
        }
    }

    private static func report(paragraphs: Int, _ dice: inout SplitMix64) -> String {
        let language = languages[Int.random(in: 0..<languages.count, using: &dice)]
        return (0..<paragraphs).map { _ in
            (0..<Int.random(in: 2...5, using: &dice)).map { _ in
                language.sentences[Int.random(in: 0..<language.sentences.count, using: &dice)]
                    .replacing(
                        "{place}",
                        with: language.places[Int.random(in: 0..<language.places.count, using: &dice)]
                    )
                    .replacing("{count}", with: "\(Int.random(in: 2...90, using: &dice))")
            }.joined(separator: language.joint)
        }.joined(separator: "\n\n")
    }

    private struct Language {
        let places: [String]
        let sentences: [String]
        var joint = " "
    }

    private static let languages = [
        Language(
            places: ["the harbour", "the northern depot", "the school kitchen", "the old mill"],
            sentences: [
                "The team met at {place} and agreed on {count} open points.",
                "The pump was replaced after {count} days of irregular pressure; the spare part came from stock.",
                "Nobody was hurt, but the delivery of fresh bread was {count} hours late.",
                "A volunteer counted {count} cranes resting on the meadow before sunrise.",
                "The invoice was paid twice by mistake, and {count} euros were returned the same week.",
                "We recommend checking the brakes of all bicycles before the first frost. 🚲",
            ]
        ),
        Language(
            places: ["im Hafen", "im Nordlager", "in der Schulküche"],
            sentences: [
                "Die Gruppe traf sich {place} und einigte sich auf {count} offene Punkte.",
                "Die Pumpe wurde nach {count} Tagen mit schwankendem Druck ersetzt.",
                "Eine Freiwillige zählte vor Sonnenaufgang {count} rastende Kraniche auf der Wiese.",
            ]
        ),
        Language(
            places: ["en el puerto", "en el almacén norte"],
            sentences: [
                "El equipo se reunió {place} y acordó {count} puntos pendientes.",
                "No hubo heridos, pero el pan fresco llegó con {count} horas de retraso.",
                "¿Quién contó las {count} grullas que descansaban en el prado antes del amanecer?",
            ]
        ),
        Language(
            places: ["в порту", "на северном складе"],
            sentences: [
                "Группа собралась {place} и согласовала {count} открытых вопросов.",
                "До рассвета на лугу насчитали {count} отдыхающих журавлей.",
            ]
        ),
        Language(
            places: ["港口", "北区仓库"],
            sentences: ["小组在{place}开会，就{count}个未决事项达成一致。", "日出之前，一位志愿者数到草地上有{count}只鹤在休息。"],
            joint: ""
        ),
        Language(
            places: ["港", "北倉庫"],
            sentences: ["チームは{place}に集まり、{count}件の未解決事項について合意した。", "夜明け前、草原で休む鶴を{count}羽数えた。"],
            joint: ""
        ),
        Language(
            places: ["في الميناء", "في المستودع الشمالي"],
            sentences: [
                "اجتمع الفريق {place} واتفق على {count} نقاط مفتوحة.",
                "تُظهر الخريطة الجديدة كل بئر في نطاق {count} كيلومترًا.",
            ]
        ),
    ]
}
