/// Checks that need more than the text of a value: the files of this host, and the parsers that will read the value
/// later.
package struct ValueChecks {
    /// The parts of a service's address, read by the parser that reads it when it is used.
    package struct ServiceAddress {
        /// Host and port, for messages.
        package let name: String
        /// Whether the connection is not encrypted.
        package let isPlaintext: Bool
        /// Whether the connection never leaves this machine.
        package let isLoopback: Bool

        package init(name: String, isPlaintext: Bool, isLoopback: Bool) {
            self.name = name
            self.isPlaintext = isPlaintext
            self.isLoopback = isLoopback
        }
    }

    /// Whether a file with this path exists and can be read.
    package var fileExists: (String) -> Bool
    /// Nil if the text is no absolute address over http or https.
    package let serviceAddress: (String) -> ServiceAddress?
    /// Why POSTGRES_URL cannot be used, in words that follow its name and quote nothing of it; nil = it can be used.
    package let postgresProblem: (_ url: Secret, _ allowsPlaintext: Bool) -> String?

    package init(
        fileExists: @escaping (String) -> Bool,
        serviceAddress: @escaping (String) -> ServiceAddress?,
        postgresProblem: @escaping (_ url: Secret, _ allowsPlaintext: Bool) -> String?
    ) {
        self.fileExists = fileExists
        self.serviceAddress = serviceAddress
        self.postgresProblem = postgresProblem
    }
}
