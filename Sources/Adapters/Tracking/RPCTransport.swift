package import FoundationEssentials
package import Migration

/// Calls one function of the tracking SQL, over any connection.
///
/// It does not repeat calls: the caller repeats with the same identity, which the functions make harmless.
package protocol RPCTransport: Sendable {
    /// Calls `public.function` once.
    ///
    /// - Parameters:
    ///   - function: the bare name, for example `claim_next_batch`.
    ///   - parameters: one JSON object with every parameter by name: `{"p_job": 7, …}`.
    /// - Returns: the one JSON value that the function returns.
    /// - Throws: the same as `JobStore`.
    func call(_ function: String, _ parameters: Data) async throws(PortFailure) -> Data
}

/// The members of a JSON object as SQL parameters: strings without quotes, `null` as nil, everything else unchanged.
///
/// Numbers are never parsed, so that a 64-bit id cannot lose its last digits in a `Double`.
struct RPCParameters: Equatable {
    struct Parameter: Equatable {
        let name: String
        /// nil = NULL.
        let text: String?
    }

    let all: [Parameter]

    /// Splits one JSON object.
    ///
    /// - Throws: `rejected` when it is not an object whose names are lower-case identifiers, or holds a NUL character,
    ///   which PostgreSQL cannot store.
    init(_ json: Data) throws(PortFailure) {
        var scanner = Scanner(bytes: Array(json))
        guard let members = scanner.object() else { throw Self.malformed }
        var all: [Parameter] = []
        for (key, value) in members {
            guard let name = Self.string(key), Self.isIdentifier(name) else { throw Self.malformed }
            let text: String?
            switch value.first {
            case UInt8(ascii: "n"): text = nil
            case UInt8(ascii: "\""):
                guard let string = Self.string(value) else { throw Self.malformed }
                text = string
            default: text = String(decoding: value, as: UTF8.self)
            }
            guard text?.utf8.contains(0) != true else { throw Self.malformed }
            all.append(Parameter(name: name, text: text))
        }
        self.all = all
    }

    /// `public.function(p_a => $1, …)`.
    func expression(_ function: String) throws(PortFailure) -> String {
        guard Self.isIdentifier(function) else { throw Self.malformed }
        let arguments = all.enumerated().map { "\($0.element.name) => $\($0.offset + 1)" }
        return "public.\(function)(\(arguments.joined(separator: ", ")))"
    }

    private static var malformed: PortFailure {
        PortFailure(.rejected, "the parameters of a tracking call are not a JSON object of this program")
    }

    private static func string(_ json: ArraySlice<UInt8>) -> String? {
        try? JSONDecoder().decode(String.self, from: Data(json))
    }

    /// Lower-case letters and underscores: all parameter names have only these, and need no quoting.
    private static func isIdentifier(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == 0x5F }
    }

    /// Finds the beginnings and ends of the members of an object; it need not understand the values.
    private struct Scanner {
        let bytes: [UInt8]
        var position = 0

        mutating func object() -> [(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>)]? {
            var members: [(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] = []
            guard take("{") else { return nil }
            if take("}") { return isAtEnd ? members : nil }
            repeat {
                guard let key = value(), key.first == UInt8(ascii: "\""), take(":"), let value = value() else {
                    return nil
                }
                members.append((key, value))
            } while take(",")
            return take("}") && isAtEnd ? members : nil
        }

        private var isAtEnd: Bool {
            mutating get {
                skipSpace()
                return position == bytes.count
            }
        }

        private mutating func skipSpace() {
            while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) { position += 1 }
        }

        private mutating func take(_ character: Unicode.Scalar) -> Bool {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
            position += 1
            return true
        }

        /// A string, or everything up to the comma or bracket that ends it on this level.
        private mutating func value() -> ArraySlice<UInt8>? {
            skipSpace()
            let start = position
            var depth = 0
            while position < bytes.count {
                switch bytes[position] {
                case UInt8(ascii: "\""):
                    guard skipString() else { return nil }
                    if depth == 0 { return bytes[start..<position] }
                    continue
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    if depth == 0 { return position > start ? bytes[start..<position] : nil }
                    depth -= 1
                    if depth == 0 {
                        position += 1
                        return bytes[start..<position]
                    }
                case UInt8(ascii: ","), 0x20, 0x0A, 0x0D, 0x09:
                    if depth == 0 { return position > start ? bytes[start..<position] : nil }
                default: break
                }
                position += 1
            }
            return nil
        }

        private mutating func skipString() -> Bool {
            position += 1
            while position < bytes.count {
                switch bytes[position] {
                case UInt8(ascii: "\""):
                    position += 1
                    return true
                case UInt8(ascii: "\\"): position += 2
                default: position += 1
                }
            }
            return false
        }
    }
}
