import Glibc

/// A host in the form in which a driver may get it: a name, or a numeric address, and nothing else.
///
/// Drivers accept more than a name: libmariadb takes `key=value` for options. And if an address is misread, the text
/// after an unescaped `@` is the end of a password, which a driver would print as the host that it cannot find.
package struct HostName: Sendable, Equatable {
    /// Without brackets.
    package let text: String

    /// Nil if the text is no host name.
    package init?(_ given: String) {
        let isBracketed = given.hasPrefix("[") && given.hasSuffix("]")
        let bare = isBracketed ? String(given.dropFirst().dropLast()) : given
        guard Self.isIPv6(bare) || (!isBracketed && Self.isName(bare)) else { return nil }
        text = bare
    }

    /// Labels of letters, digits, `-` and `_` (which services of Docker Compose have), separated by dots, with an
    /// optional dot at the end; an IPv4 address is such a name too.
    private static func isName(_ text: String) -> Bool {
        var labels = text.split(separator: ".", omittingEmptySubsequences: false)
        if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
        guard text.utf8.count <= 253 else { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-"
                && label.unicodeScalars.allSatisfy { scalar in
                    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
                        || scalar == "-" || scalar == "_"
                }
        }
    }

    /// With an optional zone, as in `fe80::1%eth0`.
    private static func isIPv6(_ text: String) -> Bool {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count < 2 || isName(String(parts[1])) else { return false }
        var address = in6_addr()
        return unsafe inet_pton(AF_INET6, String(parts[0]), &address) == 1
    }
}
