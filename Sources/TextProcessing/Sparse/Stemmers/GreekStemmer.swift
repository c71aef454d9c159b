/// Greek: Ntais's stemmer with Saroukos's steps for derived words.
///
/// Accents are removed first, and final sigma becomes σ; ϊ and ΐ become η, not ι. A word may lose all its letters
/// ("ισα"): then it is no term. After some stems release 2.2 puts an ending twice, and so does this code. On a few
/// words ("αναιρετε", "ισαισα") release 2.2 crashes, since it cuts beyond their end; here they get their ending once.
///
/// Source: snowballstem.org, `greek.sbl` of release 2.2.
struct GreekStemmer: Stemmer {
    func stem(_ word: inout [UInt32]) {
        word = word.map { Self.plainLetters[$0] ?? $0 }
        if word.count < 3 { return }
        let length = word.count
        var isInflected = true
        func take(_ steps: [GreekStep]) {
            for step in steps {
                let isChanged = step.apply(to: &word)
                if isChanged, step.isLast { isInflected = false }
            }
        }
        if let found = Self.irregular.longest(of: word) {
            word.replaceSubrange(found.start..., with: found.action)
            isInflected = false
        }
        take(Self.derivations)
        take(Self.nouns)
        if word == Self.unmarried {
            // Meant to keep -αμ. If an ending was removed before, release 2.2 puts the stem after the word.
            word = length == word.count ? word.dropLast() : word + word.dropLast()
        }
        take(Self.verbs)
        if let found = Self.neuters.longest(of: word) { word.removeSubrange((found.start + 2)...) }
        if isInflected, let found = Self.inflections.longest(of: word) { word.removeSubrange(found.start...) }
        if let found = Self.degrees.longest(of: word) { word.removeSubrange(found.start...) }
    }

    private static let plainLetters = Dictionary(
        uniqueKeysWithValues: zip([UInt32](scalars: "άέήίΐϊόύΰϋώς"), [UInt32](scalars: "αεηιηηουυυωσ"))
    )

    /// Not a verb, although it looks like one in -αμε.
    private static let unmarried = [UInt32](scalars: "αγαμε")

    private static let irregular = Suffixes([
        "φαγια φαγιου φαγιων": [UInt32](scalars: "φα"),
        "σκαγια σκαγιου σκαγιων": [UInt32](scalars: "σκα"),
        "ολογια ολογιου ολογιων": [UInt32](scalars: "ολο"),
        "σογια σογιου σογιων": [UInt32](scalars: "σο"),
        "τατογια τατογιου τατογιων": [UInt32](scalars: "τατο"),
        "κρεασ κρεατοσ κρεατα κρεατων": [UInt32](scalars: "κρε"),
        "περασ περατοσ περατη περατα περατων": [UInt32](scalars: "περ"),
        "τερασ τερατοσ τερατα τερατων": [UInt32](scalars: "τερ"),
        "φωσ φωτοσ φωτα φωτων": [UInt32](scalars: "φω"),
        "καθεστωσ καθεστωτοσ καθεστωτα καθεστωτων": [UInt32](scalars: "καθεστ"),
        "γεγονοσ γεγονοτοσ γεγονοτα γεγονοτων": [UInt32](scalars: "γεγον"),
    ])

    private static let neuters = Suffixes("ματα ματων ματοσ")
}

/// Removes an ending, if a word has it; some stems get another ending in its place.
struct GreekStep: Sendable {
    /// What some stems get in place of the ending.
    struct Exception: Sendable {
        private enum Stems: Sendable {
            case whole(Set<[UInt32]>)
            case ending(Suffixes<Void>)
            case all
        }

        private let stems: Stems
        private let dropped: Int
        private let added: [UInt32]

        private init(_ stems: Stems, dropped: Int = 0, added: String = "") {
            self.stems = stems
            self.dropped = dropped
            self.added = [UInt32](scalars: added)
        }

        static func whole(_ stems: String, add added: String) -> Self {
            Self(.whole(Set(stems.split(separator: " ").map { [UInt32](scalars: String($0)) })), added: added)
        }

        /// Each of some stems with each of some endings after it.
        static func whole(_ stems: String, before endings: String, add added: String) -> Self {
            let stems = stems.split(separator: " ").flatMap { stem in
                endings.split(separator: " ").map { "\(stem)\($0)" }
            }
            return whole(stems.joined(separator: " "), add: added)
        }

        static func ending(_ endings: String, drop dropped: Int = 0, add added: String = "") -> Self {
            Self(.ending(Suffixes(endings)), dropped: dropped, added: added)
        }

        static func others(add added: String) -> Self {
            Self(.all, added: added)
        }

        /// Changes a stem, if it is such an exception.
        ///
        /// - Returns: whether it is.
        func apply(to stem: inout [UInt32]) -> Bool {
            switch stems {
            case .whole(let stems): guard stems.contains(stem) else { return false }
            case .ending(let endings): guard endings.longest(of: stem) != nil else { return false }
            case .all: break
            }
            stem.removeLast(dropped)
            stem.append(contentsOf: added)
            return true
        }
    }

    private let endings: Suffixes<Void>
    private let exceptions: [Exception]
    /// Whether the inflection of a word with such an ending is complete.
    let isLast: Bool

    /// Makes a step.
    ///
    /// - Parameters:
    ///   - endings: the endings; the longest one is removed.
    ///   - exceptions: the first one that matches is applied.
    ///   - isLast: whether the inflection of a word with such an ending is complete.
    init(_ endings: String, _ exceptions: Exception..., isLast: Bool = true) {
        self.endings = Suffixes(endings)
        self.exceptions = exceptions
        self.isLast = isLast
    }

    /// Removes the ending.
    ///
    /// - Returns: whether the word had one.
    func apply(to word: inout [UInt32]) -> Bool {
        guard let found = endings.longest(of: word) else { return false }
        word.removeSubrange(found.start...)
        _ = exceptions.contains { $0.apply(to: &word) }
        return true
    }
}
