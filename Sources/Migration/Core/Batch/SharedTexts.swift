import DequeModule

/// The texts that one runner embeds now, and the latest vectors: a text that several records have is embedded once.
///
/// A request takes all its texts or none: it has to wait while another request embeds one of them. So a request that
/// waits keeps no other one waiting, and what was paid for is written without a wait.
package struct SharedTexts: Sendable {
    /// What a request may do about its texts.
    package enum Answer: Sendable, Equatable {
        /// Another request embeds one of them: ask again when it has ended.
        case wait(forRequest: Int)
        /// One standing per text, in order.
        case taken([Standing])
    }

    package enum Standing: Sendable, Equatable {
        /// The request has to embed it.
        case own
        /// The text of this place, once more.
        case same(as: Int)
        case known([Float])
    }

    private enum Entry {
        case asked(by: Int, place: Int)
        case answered([Float], wasUsed: Bool)
    }

    private let bytesMax: Int
    private let askedMax: Int
    private var entries: [ExactText: Entry] = [:]
    /// The texts with vectors; the one that is forgotten next is first.
    private var order: Deque<ExactText> = []
    private var asked = 0
    /// The memory of texts and vectors.
    package private(set) var bytes = 0

    /// Makes an empty table.
    ///
    /// - Parameters:
    ///   - bytesMax: the memory of texts and vectors; 16 MiB are about 2,000 vectors of 1,536 numbers.
    ///   - askedMax: the texts that are being embedded: those of four requests of the largest size. Further ones are
    ///     embedded without being noted.
    package init(bytesMax: Int = 16 << 20, askedMax: Int = 8_192) {
        self.bytesMax = bytesMax
        self.askedMax = askedMax
    }

    /// Takes the texts of a request.
    ///
    /// - Parameters:
    ///   - texts: the texts.
    ///   - request: its number, which no other request has.
    ///   - mayWait: false if it has waited long enough: then it embeds also what another request is embedding.
    /// - Returns: what to do now.
    package mutating func take(_ texts: [String], for request: Int, mayWait: Bool) -> Answer {
        if mayWait {
            for text in texts {
                if case .asked(let other, _) = entries[ExactText(text)] { return .wait(forRequest: other) }
            }
        }
        var standings: [Standing] = []
        standings.reserveCapacity(texts.count)
        for (place, text) in texts.enumerated() {
            let text = ExactText(text)
            switch entries[text] {
            case .answered(let vector, _):
                entries[text] = .answered(vector, wasUsed: true)
                standings.append(.known(vector))
            case .asked(request, let first): standings.append(.same(as: first))
            case .asked:
                entries[text] = .asked(by: request, place: place)
                standings.append(.own)
            case nil:
                if asked < askedMax {
                    asked += 1
                    entries[text] = .asked(by: request, place: place)
                }
                standings.append(.own)
            }
        }
        return .taken(standings)
    }

    /// The vector of a text; nil if it is not known.
    package func vector(of text: String) -> [Float]? {
        if case .answered(let vector, _) = entries[ExactText(text)] { vector } else { nil }
    }

    /// The vector of a text is known.
    package mutating func learn(_ vector: [Float], of text: String) {
        let text = ExactText(text)
        switch entries[text] {
        case .answered: return
        case .asked: asked -= 1
        case nil: break
        }
        entries[text] = .answered(vector, wasUsed: false)
        order.append(text)
        bytes += Self.size(text, vector)
        while bytes > bytesMax, let oldest = order.popFirst() {
            guard case .answered(let vector, let wasUsed) = entries[oldest] else { continue }
            // A text that is met again and again stays.
            if wasUsed {
                entries[oldest] = .answered(vector, wasUsed: false)
                order.append(oldest)
            } else {
                entries[oldest] = nil
                bytes -= Self.size(oldest, vector)
            }
        }
    }

    /// A request has ended: the texts without a vector are free again.
    package mutating func end(_ texts: [String], of request: Int) {
        for text in texts.lazy.map(ExactText.init) {
            guard case .asked(request, _) = entries[text] else { continue }
            entries[text] = nil
            asked -= 1
        }
    }

    private static func size(_ text: ExactText, _ vector: [Float]) -> Int {
        text.text.utf8.count + 4 * vector.count + 128
    }
}

/// A text that equals another one only byte by byte.
///
/// Swift's own comparison takes `é` in one scalar and in two for the same text; an embedder gives them different vectors.
package struct ExactText: Hashable, Comparable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (left: Self, right: Self) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    package static func < (left: Self, right: Self) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
