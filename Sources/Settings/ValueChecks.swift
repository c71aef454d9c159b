/// What a value is checked with that its text alone does not say: the files of this host, and the parsers that will read it later.
package struct ValueChecks {
    /// What an address of a service says, read as it will be read when it is used.
    package struct ServiceAddress {
        /// Host and port, for messages.
        package let name: String
        /// Whether nothing protects what is sent.
        package let isPlaintext: Bool
        /// Whether it never leaves this machine.
        package let isLoopback: Bool

        package init(name: String, isPlaintext: Bool, isLoopback: Bool) {
            self.name = name
            self.isPlaintext = isPlaintext
            self.isLoopback = isLoopback
        }
    }

    /// Whether there is a file of that path which can be read.
    package var fileExists: (String) -> Bool
    /// Nil for what is no absolute address over http or https.
    package let serviceAddress: (String) -> ServiceAddress?
    /// Why POSTGRES_URL cannot be used, in words that follow its name and quote nothing of it; nil = it can.
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
