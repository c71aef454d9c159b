import Foundation
import Settings

extension EnvironmentFile {
    /// Reads a file of settings, or the default one; nil where that is not there.
    ///
    /// - Parameter name: must be there; nil = the default one.
    /// - Throws: where there is a file that cannot be read as text.
    init?(named name: String?) throws(SettingsProblems) {
        let path = name ?? ".env"
        guard name != nil || FileManager.default.fileExists(atPath: path) else { return nil }
        // Not by way of its size: it may be a pipe, or /dev/null for none.
        let data = try? FileHandle(forReadingFrom: URL(filePath: path)).readToEnd() ?? Data()
        guard let text = data.flatMap({ String(data: $0, encoding: .utf8) }) else {
            let problem = SettingsProblem(subject: path, sentence: "cannot be read as a UTF-8 text file")
            throw SettingsProblems(problems: [problem])
        }
        self.init(path: path, text: text, isReadableByOthers: Self.isReadableByOthers(path))
    }

    /// Not of a pipe or a device; and what Kubernetes mounts is a link.
    private static func isReadableByOthers(_ path: String) -> Bool {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard attributes?[.type] as? FileAttributeType == .typeRegular else { return false }
        return ((attributes?[.posixPermissions] as? NSNumber)?.intValue ?? 0) & 0o004 != 0
    }
}
