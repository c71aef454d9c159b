import Migration

/// An account without credit: waiting never helps, whatever the status.
extension OpenAIErrorAnswer {
    /// In lower case, as `code` or `type`.
    ///
    /// Sources: the vendors' pages on errors, and public issues if these say nothing.
    private static let billingCodes: Set<String> = [
        // OpenAI.
        "insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded", "organization_usage_limit_exceeded", "billing_hard_limit_reached",
        "billing_not_active", "billing_error",
        // LiteLLM's budgets.
        "budget_exceeded", "exceededbudget",
        // DashScope, Volcengine, Moonshot, DeepSeek and others behind the same API.
        "arrearage", "accountoverdueerror", "exceeded_current_quota_error", "insufficient_balance",
        "insufficient_credits", "insufficient_funds", "insufficient_user_quota", "payment_required",
        "credit_limit_exceeded",
    ]

    /// Sentences of servers that give no code, in lower case.
    private static let billingSentences = [
        "exceeded your current quota", "budget has been exceeded", "insufficient balance", "insufficient credit",
        "account balance is insufficient", "credit balance is too low", "billing hard limit",
    ]

    /// Whether the account has no credit left.
    ///
    /// Gemini uses OpenAI's sentence for a minute limit, together with the wait: a sentence that states a wait is not
    /// about credit.
    var isAboutMoney: Bool {
        if [code, type].contains(where: { Self.billingCodes.contains($0.lowercased()) }) { return true }
        guard (400..<500).contains(status), statedWait == nil, waitInText == nil else { return false }
        let text = message.lowercased()
        return Self.billingSentences.contains(where: text.contains)
    }

    var outOfMoney: PortFailure {
        failure(.outOfMoney, "the account has no credit left: add credit or raise the limit")
    }
}
