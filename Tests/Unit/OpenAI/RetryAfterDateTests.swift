import Foundation
import Testing

@testable import Adapters

/// Foundation's formatter, which the programs do without, is the judge.
@Suite struct `The date in Retry-After` {
    private let judge: DateFormatter

    init() {
        judge = DateFormatter()
        judge.locale = Locale(identifier: "en_US_POSIX")
        judge.timeZone = TimeZone(identifier: "GMT")
        judge.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    }

    @Test func `is read in every week of 130 years`() {
        // Seven days and an hour: every day of the week, and the end of February in leap years and others.
        for week in -520..<6_300 {
            let moment = Double(week * 608_400 + (week + 520) % 3_600)
            #expect(OpenAIErrorAnswer.date(judge.string(from: Date(timeIntervalSince1970: moment))) == moment)
        }
    }

    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 8:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 GMT", " Sun,  06 Nov 1994 08:49:37 GMT ", "Tue, 29 Feb 2028 00:00:00 GMT",
        "Sun, 31 Dec 9999 23:59:59 GMT",
        // And what is none:
        "", " ", "GMT", "soon", "Sun, 06 Nov 1994 08:49:60 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Mon, 29 Feb 2027 00:00:00 GMT", "Sun,06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMTx",
        "Sun, 06-Nov-1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov -5 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT", "Sun Nov  6 08:49:37 1994", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Sept 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Sun, 06 Xyz 1994 08:49:37 GMT",
    ])
    func `is read as Foundation reads it`(text: String) {
        #expect(OpenAIErrorAnswer.date(text) == judge.date(from: text)?.timeIntervalSince1970)
    }
}
