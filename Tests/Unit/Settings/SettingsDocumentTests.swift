import Foundation
import Testing

@testable import Settings

@Suite struct `Settings documents` {
    private static let root = URL(filePath: #filePath).appending(path: "../../../..").standardizedFileURL

    @Test func `.env.migration.example is the table's own text`() throws {
        let text = try String(contentsOf: Self.root.appending(path: ".env.migration.example"), encoding: .utf8)
        #expect(text == SettingsDocument.example, "write it anew: migrate settings --example > .env.migration.example")
    }

    @Test func `docs/settings.md is the table's own text`() throws {
        let text = try String(contentsOf: Self.root.appending(path: "docs/settings.md"), encoding: .utf8)
        #expect(text == SettingsDocument.markdown, "write it anew: migrate settings --markdown > docs/settings.md")
    }

    @Test func `the example file says every setting once, with its default`() {
        let uncommented = SettingsDocument.example.replacing(#/(?m)^# (?=[A-Z_]+=)/#, with: "")
        let file = EnvironmentFile(path: "example", text: uncommented)
        #expect(file.problems.isEmpty)
        #expect(Set(file.entries.keys) == Set(SettingsTable.all.map(\.name)))
        for setting in SettingsTable.all {
            #expect(file.entries[setting.name]?.value == setting.defaultValue ?? "")
        }
    }

    @Test func `every default is allowed, every name and flag is unique, and every help is a sentence`() {
        for setting in SettingsTable.all {
            if let value = setting.defaultValue { #expect(setting.kind.admits(value, .host { _ in false })) }
            #expect(setting.help.hasSuffix(".") && setting.help.count <= 120, "\(setting.name)")
        }
        #expect(Set(SettingsTable.all.map(\.name)).count == SettingsTable.all.count)
        #expect(SettingsTable.all.allSatisfy { ($0.flag == nil) == $0.isSecret })
    }
}
