import Fakes

/// What a value in a request may be.
///
/// Its notation is that of `QdrantShapes`, which `scripts/support/qdrant-shapes.py` explains.
indirect enum Shape: Sendable, Equatable {
    case any
    case bool
    /// A text with at least so many characters.
    case string(atLeast: Int)
    case datetime
    case uuid
    case float(Bounds)
    case int(Bounds)
    /// An integer that is never negative.
    case uint(Bounds)
    case words([String])
    case list(Shape, atLeast: Int)
    case object([Member], isClosed: Bool)
    /// An object with any names.
    case map(Shape)
    case named(String)
    case either([Shape])
    case nullable(Shape)

    /// A member of an object.
    struct Member: Sendable, Equatable {
        let name: String
        let isRequired: Bool
        let shape: Shape
    }

    /// The least and the highest number; nil = no limit.
    struct Bounds: Sendable, Equatable {
        var least: Double?
        var most: Double?

        func contains(_ number: Double) -> Bool { number >= least ?? number && number <= most ?? number }
    }
}

extension Shape {
    /// All shapes of a table with lines such as `Name = shape`.
    static func table(_ text: String) -> [String: Shape] {
        var shapes: [String: Shape] = [:]
        for line in text.split(separator: "\n") {
            guard let sign = line.firstRange(of: " = ") else { preconditionFailure("no shape: \(line)") }
            var reader = ShapeReader(rest: line[sign.upperBound...])
            shapes[String(line[..<sign.lowerBound])] = reader.shape()
            precondition(reader.rest.isEmpty, "more than a shape: \(reader.rest)")
        }
        return shapes
    }
}

/// Reads one shape from its notation; a mistake in the table is one of the program.
private struct ShapeReader {
    var rest: Substring

    mutating func shape() -> Shape {
        var shapes = [one()]
        while skip(" | ") { shapes.append(one()) }
        return shapes.count == 1 ? shapes[0] : .either(shapes)
    }

    private mutating func one() -> Shape {
        var shape: Shape
        if skip("(") {
            shape = self.shape()
            expect(")")
        } else if skip("[") {
            let element = self.shape()
            expect("]")
            shape = .list(element, atLeast: Int(bounds().least ?? 0))
        } else if skip("{* ") {
            shape = .map(self.shape())
            expect("}")
        } else if skip("{") {
            let isClosed = skip("= ")
            var members: [Shape.Member] = []
            repeat { members.append(member()) } while skip(", ")
            expect("}")
            shape = .object(members, isClosed: isClosed)
        } else if rest.first == "'" {
            shape = .words(words())
        } else {
            shape = simple(name())
        }
        if skip("?") { shape = .nullable(shape) }
        return shape
    }

    private mutating func member() -> Shape.Member {
        let name = name()
        let isRequired = skip("!")
        expect(": ")
        return Shape.Member(name: name, isRequired: isRequired, shape: shape())
    }

    private mutating func simple(_ name: String) -> Shape {
        switch name {
        case "any": .any
        case "bool": .bool
        case "string": .string(atLeast: Int(bounds().least ?? 0))
        case "datetime": .datetime
        case "uuid": .uuid
        case "float": .float(bounds())
        case "int": .int(bounds())
        case "uint": .uint(bounds())
        default: .named(name)
        }
    }

    private mutating func bounds() -> Shape.Bounds {
        guard rest.first == " ", let digit = rest.dropFirst().first, digit.isNumber else { return Shape.Bounds() }
        rest.removeFirst()
        let least = number()
        expect("..")
        return Shape.Bounds(least: least, most: number())
    }

    private mutating func number() -> Double? {
        // The two points behind the least number do not belong to it.
        let whole = rest.prefix { $0.isNumber }
        let more = rest[whole.endIndex...]
        var fraction = more.prefix(0)
        if more.first == ".", !more.hasPrefix("..") {
            fraction = more.prefix(1 + more.dropFirst().prefix { $0.isNumber }.count)
        }
        rest = more.dropFirst(fraction.count)
        return Double(whole + fraction)
    }

    private mutating func words() -> [String] {
        var words: [String] = []
        repeat {
            expect("'")
            let word = rest.prefix { $0 != "'" }
            rest = rest[word.endIndex...]
            expect("'")
            words.append(String(word))
        } while skip(" ")
        return words
    }

    private mutating func name() -> String {
        let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        precondition(!name.isEmpty, "no name: \(rest)")
        rest = rest[name.endIndex...]
        return String(name)
    }

    private mutating func skip(_ text: String) -> Bool {
        guard rest.hasPrefix(text) else { return false }
        rest = rest.dropFirst(text.count)
        return true
    }

    private mutating func expect(_ text: String) { precondition(skip(text), "no \(text): \(rest)") }
}
