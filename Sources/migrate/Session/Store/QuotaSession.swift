import Migration
import Terminal

/// `migrate quota` with any store.
struct QuotaSession: Sendable {
    let store: any JobStore
    let console: Console
    let isJSON: Bool

    /// Pages of 1,000: more accounts than any store has.
    private static let pagesMax = 20

    /// Prints a table, or with JSON one object per line.
    func show() async throws {
        let quotas = try await quotas()
        if isJSON {
            for quota in quotas { console.out(try JSONText.of(quota)) }
        } else if quotas.isEmpty {
            console.out("No quota is known: none is set (OPENAI_TPM, OPENAI_RPM), and no server has stated one.")
        } else {
            console.out(QuotaTable.text(quotas))
        }
    }

    /// Resets one quota, after a question.
    ///
    /// - Throws: `CommandEnd` when no quota or several have that name, or a person answers no.
    func reset(_ name: String?, isSure: Bool) async throws {
        let quota = try Self.choice(of: name, from: try await quotas())
        try await (isJSON ? console.aside : console).confirm(
            "Forget limits, pause, reservations and stop of \(quota)?",
            isSure: isSure,
            default: false
        )
        let answer = try await patiently { () async throws(PortFailure) in
            try await store.resetQuota(ResetIngestionQuota(quota: quota))
        }
        guard answer.result == .reset else { throw CommandEnd(.incomplete, "the quota \(quota) is gone already") }
        let report = QuotaResetReport(quota: quota, result: answer.result)
        console.out(isJSON ? try JSONText.of(report) : "The quota \(quota) is forgotten.")
    }

    private func quotas() async throws -> [QuotaSummary] {
        var quotas: [QuotaSummary] = []
        var after: String?
        for _ in 0..<Self.pagesMax {
            let call = ListIngestionQuotas(after: after, limit: 1000)
            let page = try await patiently { () async throws(PortFailure) in try await store.quotas(call) }
            quotas += page.rows
            after = page.next
            if after == nil { break }
        }
        return quotas
    }

    static func choice(of name: String?, from quotas: [QuotaSummary]) throws(CommandEnd) -> String {
        let names = quotas.map(\.quota)
        if let name, names.contains(name) { return name }
        let found = names.filter { $0.hasPrefix(name ?? "") }
        switch found.count {
        case 1: return found[0]
        case 0:
            let what = name.map { "quota \($0)" } ?? "quota"
            throw CommandEnd(.incomplete, "there is no \(what): see `migrate quota`")
        default:
            let list = found.prefix(20).map { "\n  \($0)" }.joined()
            throw CommandEnd(.usage, "there are \(found.count) such quotas; say which one:\(list)")
        }
    }
}
