import Fakes
import Migration

/// A fault that a served fake has been told to have.
package struct ServedFault: Sendable, Equatable {
    /// What happens to a request.
    package enum Effect: Sendable, Equatable {
        /// Not carried out, and answered with this status in the product's own form.
        case status(Int)
        /// Not carried out; the connection is closed.
        case close
        /// Not carried out, and not answered within ten minutes.
        case hang
        /// Carried out; the connection is closed in place of the answer.
        case lost
        /// Carried out; the connection is closed in the middle of the body.
        case truncate
        /// Carried out; the body takes this long.
        case slow(Duration)
    }

    /// The share of the requests that meet it, from 0 to 1.
    package var probability: Double
    package var effect: Effect
    /// Only requests whose path contains this text.
    package var path: String?
    /// How many requests still meet it; nil = any number.
    package var count: Int?
    /// Only each so-manieth request that could meet it does.
    package var every = 1
    /// Requests that could have met it so far.
    var seen = 0

    package init(probability: Double = 1, _ effect: Effect, path: String? = nil, count: Int? = nil, every: Int = 1) {
        self.probability = probability
        self.effect = effect
        self.path = path
        self.count = count
        self.every = max(1, every)
    }

    /// Whether a request meets it, by a random number from 0 to 1; counts the request.
    mutating func strikes(_ path: String, _ chance: Double) -> Bool {
        guard count != 0, self.path.map(path.contains) ?? true else { return false }
        seen = seen == every - 1 ? 0 : seen + 1
        guard seen == 0, chance < probability else { return false }
        count = count.map { $0 - 1 }
        return true
    }
}

extension ServedFault {
    /// Why a text or a JSON value is no fault.
    package struct Malformed: Error, CustomStringConvertible {
        package let description: String
    }

    /// Reads `0.05:503`, `0.01:lost` or `0.1:slow=2.5`: the share, and a status or one of `close`, `hang`, `lost`,
    /// `truncate`, `slow=SECONDS`.
    package init(_ text: String) throws(Malformed) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let share = Double(parts[0]), (0...1).contains(share) else {
            throw Malformed(description: "\(text): expected a share from 0 to 1, a colon and a fault, as in 0.05:503")
        }
        self.init(probability: share, try Self.effect(parts[1]))
    }

    private static func effect(_ text: Substring) throws(Malformed) -> Effect {
        switch text {
        case "close": return .close
        case "hang": return .hang
        case "lost": return .lost
        case "truncate": return .truncate
        default: break
        }
        if let status = Int(text), (400...599).contains(status) { return .status(status) }
        if text.hasPrefix("slow="), let seconds = Double(text.dropFirst(5)), (0...600).contains(seconds) {
            return .slow(.seconds(seconds))
        }
        let known = "a status from 400 to 599, close, hang, lost, truncate or slow=SECONDS (at most 600)"
        throw Malformed(description: "\(text): expected \(known)")
    }

    /// Reads the body of `POST /__faults`: a list of objects with `fault` and, if wanted, `probability`, `path`, `count`.
    static func list(json: JSONValue) throws(Malformed) -> [ServedFault] {
        guard let list = json.list else { throw Malformed(description: "expected a list of faults") }
        guard list.count <= 100 else { throw Malformed(description: "at most 100 faults") }
        var faults: [ServedFault] = []
        for item in list {
            let known: Set = ["fault", "probability", "path", "count"]
            if let unknown = item.object?.keys.filter({ !known.contains($0) }).min() {
                throw Malformed(description: "\(unknown): expected fault, probability, path or count")
            }
            guard let text = item["fault"]?.string ?? item["fault"]?.integer?.description else {
                throw Malformed(description: "fault: expected a text or a status")
            }
            var fault = Self(try effect(text[...]), path: item["path"]?.string)
            if let share = item["probability"] {
                guard let number = share.number, (0...1).contains(number) else {
                    throw Malformed(description: "probability: expected a number from 0 to 1")
                }
                fault.probability = number
            }
            if let count = item["count"] {
                guard let number = count.integer, number >= 0 else {
                    throw Malformed(description: "count: expected a whole number")
                }
                fault.count = Int(number)
            }
            faults.append(fault)
        }
        return faults
    }

    /// Its JSON, as `POST /__faults` reads it.
    var json: JSONValue {
        var members: [String: JSONValue] = ["probability": .number(probability), "fault": .string(effect.text)]
        members["path"] = path.map(JSONValue.string)
        members["count"] = count.map { .integer(Int64($0)) }
        return .object(members)
    }
}

extension ServedFault.Effect {
    var text: String {
        switch self {
        case .status(let status): "\(status)"
        case .close: "close"
        case .hang: "hang"
        case .lost: "lost"
        case .truncate: "truncate"
        case .slow(let duration): "slow=\(duration / .seconds(1))"
        }
    }
}

/// How long answers take: a log-normal distribution, as of a service over a network.
package struct ServedLatency: Sendable, Equatable {
    /// Half of the answers take longer.
    package var median: Duration
    /// The spread; 0 = all answers take `median`.
    package var sigma: Double

    package init(median: Duration = .zero, sigma: Double = 0) {
        self.median = median
        self.sigma = sigma
    }
}
