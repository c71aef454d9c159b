import Foundation
import Testing

/// The plan of the house: which room may know which, and how large a room, a folder and a file may be.
@Suite struct `The house` {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The modules of ours that each room knows; arrows point from programs to the engine, never back.
    static let arrows: [String: Set<String>] = [
        "TextProcessing": [],
        "Migration": ["TextProcessing"],
        "Engine": ["Migration", "TextProcessing"],
        "Basics": [],
        "Settings": ["Basics"],
        "Adapters": [
            "Basics", "CCurl", "CMariaDB", "CPostgres", "CTrackingSQL", "Migration", "Settings", "TextProcessing",
        ],
        "SQLite": ["Basics", "CNoICU", "CTrackingSQL", "Migration"],
        "Fakes": ["Migration", "TextProcessing"],
        "ServedFakes": ["Fakes", "Migration"],
        "Invariants": ["Engine", "Migration", "TextProcessing"],
        "Simulation": ["CSimulation"],
        "Scenarios": ["Engine", "Fakes", "Invariants", "Migration", "Simulation", "TextProcessing"],
        "Terminal": ["Basics", "Migration", "Settings"],
        "migrate": [
            "Adapters", "Basics", "Engine", "Fakes", "Migration", "SQLite", "Settings", "Terminal", "TextProcessing",
        ],
        "migrate-lab": ["Fakes", "Migration", "Scenarios", "ServedFakes", "Simulation", "Terminal"],
    ]

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Every path below these folders, within the package.
    private static func paths(_ folders: [String]) throws -> [String] {
        try folders.flatMap { folder in
            try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path).map {
                folder + "/" + $0
            }
        }
    }

    /// Every Swift file below these folders.
    private static func files(_ folders: [String] = ["Sources", "Tests"]) throws -> [String] {
        try paths(folders).filter { $0.hasSuffix(".swift") }.sorted()
    }

    /// Every script and every file of the tracking SQL.
    private static func scripts() throws -> [String] {
        try paths(["scripts", "sql"]).filter { path in
            let values = try root.appending(path: path).resourceValues(forKeys: [.isRegularFileKey])
            return values.isRegularFile == true && !path.contains("/__pycache__/")
        }.sorted()
    }

    private static func lines(_ path: String) throws -> [Substring] {
        try text(path).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    }

    /// The room of a source file: its folder below `Sources`, or that folder of it which is a target of its own.
    private static func room(_ path: String) -> String {
        path.hasPrefix("Sources/Adapters/SQLite/") ? "SQLite" : String(path.split(separator: "/")[1])
    }

    private static func folder(_ path: String) -> String {
        path.split(separator: "/").dropLast().joined(separator: "/")
    }

    /// Modules that come with the compiler and the system.
    private static let system: Set<String> = [
        "Dispatch", "Foundation", "FoundationEssentials", "Glibc", "Synchronization",
    ]

    /// The modules that a target depends on in `Package.swift`; a product of another package has the name of its module.
    private static func dependencies(of target: String, in manifest: String) throws -> Set<String>? {
        let list = try Regex("name: \"\(target)\",\\s*dependencies: \\[([^\\]]*)\\]")
        guard let match = manifest.firstMatch(of: list), let words = match.output[1].substring else { return nil }
        let modules = words.replacing(try Regex(", package: \"[^\"]*\""), with: "")
        return Set(
            modules.split(separator: "\"", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }
                .map { String($0.element) }
        )
    }

    /// A new room is a decision: it is added to the table above, with its arrows.
    @Test func `has every room in its plan`() throws {
        let rooms = Set(try Self.files(["Sources"]).map(Self.room))
        #expect(rooms == Set(Self.arrows.keys))
    }

    @Test(arguments: arrows.keys.sorted()) func `keeps its arrows in the package and in the sources`(room: String)
        throws
    {
        let allowed = try #require(Self.arrows[room])
        let stated = try Self.dependencies(of: room, in: Self.text("Package.swift")) ?? []
        let ours = Set(Self.arrows.keys).union([
            "CCurl", "CMariaDB", "CNoICU", "CPostgres", "CSimulation", "CTrackingSQL",
        ])
        #expect(stated.intersection(ours) == allowed)
        let statement = try Regex("^(?:(?:public|package|internal|private|fileprivate) )?import ([A-Za-z_]+)$")
        var imported: Set<String> = []
        for path in try Self.files(["Sources"]) where Self.room(path) == room {
            for line in try Self.lines(path) {
                guard let module = line.wholeMatch(of: statement)?.output[1].substring else { continue }
                imported.insert(String(module))
            }
        }
        #expect(imported.subtracting(Self.system) == stated, "each dependency is imported, and each import is stated")
    }

    /// Generated tables aside.
    @Test func `has no room of more than 7,000 lines`() throws {
        var sizes: [String: Int] = [:]
        for path in try Self.files(["Sources"]) where !path.contains("/Generated/") {
            sizes[Self.room(path), default: 0] += try Self.lines(path).count
        }
        #expect(sizes.values.reduce(0, +) > 20_000, "the sources were found")
        for (room, size) in sizes.sorted(by: { $0.key < $1.key }) { #expect(size <= 7_000, "\(room)") }
    }

    /// Stemmers aside, of which there is one for each language.
    @Test func `has no folder with more than 20 files side by side`() throws {
        let folders = Dictionary(grouping: try Self.files() + Self.scripts(), by: Self.folder)
        #expect(folders.count > 40 && folders["scripts"] != nil && folders["sql"] != nil, "the folders were found")
        for (folder, files) in folders.sorted(by: { $0.key < $1.key }) where !folder.hasSuffix("/Stemmers") {
            #expect(files.count <= 20, "\(folder)")
        }
    }

    @Test func `has no file of more than 300 lines without its reason at the top`() throws {
        for path in try Self.files() where !path.contains("/Generated/") {
            let lines = try Self.lines(path)
            #expect(lines.count <= 300 || lines[0].hasPrefix("// Longer than 300 lines: "), "\(path)")
            #expect(lines.count > 300 || !lines[0].hasPrefix("// Longer than 300 lines: "), "\(path) is shorter")
        }
        for path in try Self.scripts() {
            let lines = try Self.lines(path)
            let states = lines.prefix(2).contains {
                $0.hasPrefix("-- Longer than 300 lines: ") || $0.hasPrefix("# Longer than 300 lines: ")
            }
            #expect(states == (lines.count > 300), "\(path)")
        }
    }

    @Test func `has no two files of one name`() throws {
        let names = Dictionary(grouping: try Self.files()) { $0.split(separator: "/").last.map(String.init) ?? "" }
        for (name, paths) in names.sorted(by: { $0.key < $1.key }) { #expect(paths.count == 1, "\(name): \(paths)") }
    }

    @Test func `has every folder and file that a tidy rule names`() {
        for rule in TidyRule.all {
            for path in rule.scope + rule.outside + rule.exceptions.keys.sorted() {
                #expect(FileManager.default.fileExists(atPath: Self.root.appending(path: path).path), "\(path)")
            }
        }
    }
}
