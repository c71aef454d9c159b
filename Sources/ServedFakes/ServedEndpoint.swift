import Fakes
import Foundation

extension ServedFakes.Endpoint {
    /// One line of JSON about all of them, for a program that starts them: by product its `url`, `key` and settings.
    package static func json(_ endpoints: [Self]) -> String {
        var members: [String: JSONValue] = [:]
        for endpoint in endpoints {
            var settings: [String: JSONValue] = [:]
            for (name, value) in endpoint.environment { settings[name] = .string(value) }
            members[endpoint.kind.rawValue] = [
                "url": .string(endpoint.url), "key": .string(endpoint.key), "environment": .object(settings),
            ]
        }
        return String(decoding: JSONValue.object(members).data, as: UTF8.self)
    }
}
