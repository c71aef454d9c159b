import FoundationEssentials
import Glibc
import Settings

extension EnvironmentFile {
    /// Reads a file of settings, or the default one; nil if the default one does not exist.
    ///
    /// - Parameter name: a file that must exist; nil = the default one.
    /// - Throws: when the file exists and cannot be read as text.
    init?(named name: String?) throws(SettingsProblems) {
        let path = name ?? ".env"
        guard name != nil || FileManager.default.fileExists(atPath: path) else { return nil }
        // It may be a pipe, or /dev/null to read nothing.
        guard let bytes = try? FileBytes.read(path), let text = String(data: Data(bytes), encoding: .utf8) else {
            let problem = SettingsProblem(subject: path, sentence: "cannot be read as a UTF-8 text file")
            throw SettingsProblems(problems: [problem])
        }
        self.init(path: path, text: text, isReadableByOthers: Self.isReadableByOthers(path))
    }

    /// False for a pipe or a device; follows links, because Kubernetes mounts files as links.
    private static func isReadableByOthers(_ path: String) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
        return status.st_mode & S_IROTH != 0
    }
}
