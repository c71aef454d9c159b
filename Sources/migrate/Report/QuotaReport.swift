import Migration
import Terminal

/// The list of `migrate quota`.
enum QuotaTable {
    static func text(_ quotas: [QuotaSummary]) -> String {
        func limit(_ number: Int) -> String { number > 0 ? Format.count(Int64(number)) : "-" }
        func wait(_ milliseconds: Int) -> String {
            milliseconds > 0 ? Format.duration(.milliseconds(milliseconds)) : "-"
        }
        let rows = quotas.map { quota in
            [
                quota.quota, limit(quota.tokensPerMinute), limit(quota.requestsPerMinute),
                Format.decimal(quota.share * 100, 1) + " %", wait(quota.pauseMs), wait(quota.reservedMs),
                quota.stopReason ?? "-",
            ]
        }
        let header = ["QUOTA", "TOKENS/MIN", "REQUESTS/MIN", "SHARE", "PAUSE", "RESERVED", "STOPPED"]
        return Table(header: header, rows: rows).text
    }
}

/// What `migrate quota reset --json` answers.
struct QuotaResetReport: Encodable {
    let quota: String
    let result: ResetIngestionQuota.Result
}
