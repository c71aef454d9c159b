package import FoundationEssentials

/// The only way in which calls and answers become JSON.
package enum TrackingJSON {
    /// Encodes a call as the object PostgREST expects: `{"p_job": 7, …}`.
    package static func encode(_ call: some TrackingCall) throws -> Data {
        try encoder(parameterPrefix: "p_").encode(call)
    }

    /// Decodes a call from that object; used by the fakes of the server.
    package static func decodeCall<Call: TrackingCall>(_ type: Call.Type, from data: Data) throws -> Call {
        try decoder(parameterPrefix: "p_").decode(type, from: data)
    }

    /// Encodes an answer as the SQL functions return it.
    package static func encodeAnswer(_ answer: some Encodable) throws -> Data {
        try encoder(parameterPrefix: "").encode(answer)
    }

    /// Decodes an answer of the SQL functions.
    package static func decodeAnswer<Answer: Decodable>(_ type: Answer.Type, from data: Data) throws -> Answer {
        try decoder(parameterPrefix: "").decode(type, from: data)
    }

    private static func encoder(parameterPrefix: String) -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .custom { path in
            let name = snakeCase(path.last?.stringValue ?? "")
            return WireKey(path.count == 1 ? parameterPrefix + name : name)
        }
        return encoder
    }

    private static func decoder(parameterPrefix: String) -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .custom { path in
            let name = path.last?.stringValue ?? ""
            let isParameter = path.count == 1 && !parameterPrefix.isEmpty && name.hasPrefix(parameterPrefix)
            return WireKey(camelCase(isParameter ? String(name.dropFirst(parameterPrefix.count)) : name))
        }
        return decoder
    }

    private struct WireKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Turns `claimId` into `claim_id`.
    ///
    /// The names contain no runs of capitals, so the reverse is exact.
    static func snakeCase(_ name: String) -> String {
        name.reduce(into: "") { result, character in
            result += character.isUppercase ? "_" + character.lowercased() : String(character)
        }
    }

    static func camelCase(_ name: String) -> String {
        let parts = name.split(separator: "_", omittingEmptySubsequences: false)
        return parts.enumerated().map {
            $0.offset == 0 ? String($0.element) : $0.element.prefix(1).uppercased() + $0.element.dropFirst()
        }.joined()
    }
}
