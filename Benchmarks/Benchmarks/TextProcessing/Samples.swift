/// One million bytes of text in each of some languages, made of sentences written for this purpose.
///
/// One million, so that "iterations per second" reads as megabytes per second.
enum Samples {
    static let languages = ["en", "de", "ru", "zh", "ja"]

    static func megabyte(_ language: String) -> String {
        let sentences = Self.sentences[language] ?? []
        var text = ""
        var number = 0
        var bytes = 0
        while bytes < 1_000_000 {
            // The numbers keep the paragraphs from being equal, as they are not in real text either.
            let end = number % 5 == 4 ? "\n\n" : (language == "zh" || language == "ja" ? "" : " ")
            let next =
                sentences[(number * 7 + number / 11) % sentences.count] + (number % 3 == 0 ? " \(number)" : "") + end
            text += next
            bytes += next.utf8.count
            number += 1
        }
        return text
    }

    private static let sentences: [String: [String]] = [
        "en": [
            "The team met at the harbour and agreed on the points that had stayed open since spring.",
            "Nobody was hurt, but the delivery of fresh bread was late, and the kitchen closed at noon.",
            "A volunteer counted the cranes resting on the meadow before sunrise; there were more than last year.",
            "The new map shows every well within walking distance, including those that have run dry.",
            "We recommend checking the brakes of all bicycles before the first frost.",
        ],
        "de": [
            "Die Gruppe traf sich am Hafen und einigte sich auf die Punkte, die seit dem Frühjahr offen waren.",
            "Verletzt wurde niemand, doch das frische Brot kam zu spät, und die Küche schloss schon mittags.",
            "Eine Freiwillige zählte vor Sonnenaufgang die rastenden Kraniche auf der Wiese.",
            "Die neue Karte zeigt jeden Brunnen in der Umgebung, auch die längst versiegten.",
        ],
        "ru": [
            "Группа собралась в порту и согласовала вопросы, которые оставались открытыми с весны.",
            "Никто не пострадал, но свежий хлеб привезли поздно, и кухня закрылась в полдень.",
            "До рассвета доброволец насчитал на лугу больше журавлей, чем в прошлом году.",
            "На новой карте видны все колодцы в округе, даже те, что давно пересохли.",
        ],
        "zh": [
            "小组在港口开会，就春天以来一直没有解决的问题达成了一致。",
            "没有人受伤，但是新鲜面包来得很晚，厨房中午就关门了。",
            "日出之前，一位志愿者数了数在草地上休息的鹤，比去年还要多。",
            "新地图标出了步行可以到达的每一口井，包括已经干涸的。",
        ],
        "ja": [
            "チームは港に集まり、春から残っていた課題について合意した。",
            "けが人はいなかったが、焼きたてのパンの到着が遅れ、給食室は正午に閉まった。",
            "夜明け前、ボランティアが草原で休む鶴を数えると、去年より多かった。",
            "新しい地図には、歩いて行けるすべての井戸が、涸れたものも含めて載っている。",
        ],
    ]
}
