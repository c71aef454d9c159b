import FoundationEssentials
import Glibc
import Migration

/// The file before SQLite opens it: where it may be, and which users may read it.
///
/// Only SQLite may open a file that is in use: when any descriptor of it is closed, the kernel lets go of all locks
/// that this process has on it. So the file is looked at by its name only.
enum SQLiteFile {
    /// What a file is for: the words of the refusals.
    enum Use {
        case tracking, cache

        var setting: String { self == .tracking ? "TRACKING_FILE" : "EMBEDDING_CACHE" }
        var file: String { self == .tracking ? "tracking file" : "embedding cache" }
        var writer: String { self == .tracking ? "tracking store" : "embedding cache" }
        /// What to do where several hosts share the disk.
        var several: String { self == .tracking ? ", or POSTGRES_URL for several hosts" : "" }
    }

    /// Makes the folder (0700) and the empty file (0600) if they are not there.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - use: what it is for.
    ///   - creates: false if a file that is not there is refused.
    ///   - fileSystem: the file system of a folder.
    /// - Returns: the absolute path.
    /// - Throws: a refusal, in one sentence that says what to do.
    static func prepare(
        _ path: String,
        for use: Use = .tracking,
        creates: Bool = true,
        fileSystem: (String) -> FileSystem
    ) throws(PortFailure) -> String {
        let (path, folder) = try place(path, use)
        if !creates, !exists(path) {
            throw PortFailure(.rejected, "there is no file \(path): a run with \(use.setting) makes it")
        }
        try makeFolder(folder, use)
        try requireLocal(path, fileSystem(folder), use)
        try requireFile(path, in: folder, use)
        return path
    }

    /// Whether the tracking file is there; makes nothing.
    ///
    /// - Throws: a refusal as `prepare` gives it, if no file can be made there.
    static func isThere(_ path: String, fileSystem: (String) -> FileSystem) throws(PortFailure) -> Bool {
        let (path, parent) = try place(path, .tracking)
        var folder = parent
        while !exists(folder), folder != "/" { folder = self.folder(of: folder) }
        guard isFolder(folder) else {
            throw PortFailure(.rejected, "\(folder) is not a folder: set TRACKING_FILE to a file elsewhere")
        }
        try requireLocal(path, fileSystem(folder), .tracking)
        if exists(path) { return true }
        if unsafe access(folder, R_OK | W_OK | X_OK) != 0 { throw unwritable(folder, errno, .tracking) }
        return false
    }

    /// The absolute path, without `..` and the like.
    static func absolute(_ path: String) -> String {
        URL(filePath: path).standardizedFileURL.path(percentEncoded: false)
    }

    /// The folder, without a slash at its end.
    private static func folder(of path: String) -> String {
        let folder = absolute(URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false))
        return folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    }

    private static func place(_ path: String, _ use: Use) throws(PortFailure) -> (path: String, folder: String) {
        guard !path.isEmpty, !path.utf8.contains(0), !path.hasPrefix("file:"), !path.hasPrefix(":") else {
            throw PortFailure(.rejected, "\(use.setting) must be the path of a file")
        }
        let path = absolute(path)
        return (path, folder(of: path))
    }

    private static func requireLocal(_ path: String, _ system: FileSystem, _ use: Use) throws(PortFailure) {
        guard system.isShared else { return }
        throw PortFailure(
            .rejected,
            "\(path) is on a file system of the network (\(system.type)), where locks of several hosts cannot be "
                + "trusted: set \(use.setting) to a file on a disk of this machine\(use.several)"
        )
    }

    private static func makeFolder(_ folder: String, _ use: Use) throws(PortFailure) {
        if isFolder(folder) { return }
        let parent = self.folder(of: folder)
        if parent != folder { try makeFolder(parent, use) }
        // Another process may have made it just now.
        if unsafe mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw PortFailure(
                .unauthorised,
                "the folder \(folder) for the \(use.file) cannot be made (\(reason(of: errno))): "
                    + "make it, or set \(use.setting) to a file elsewhere"
            )
        }
        guard isFolder(folder) else {
            throw PortFailure(.rejected, "\(folder) is not a folder: set \(use.setting) to a file elsewhere")
        }
    }

    private static func requireFile(_ path: String, in folder: String, _ use: Use) throws(PortFailure) {
        // Makes the file without opening it; nothing happens if it is there.
        if unsafe mknod(path, S_IFREG | 0o600, 0) != 0, errno != EEXIST { throw unwritable(path, errno, use) }
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw unwritable(path, errno, use) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw PortFailure(.rejected, "\(path) is not a file: set \(use.setting) to a file elsewhere")
        }
        // The folder holds the journal.
        for place in [path, folder] where unsafe access(place, R_OK | W_OK) != 0 {
            throw unwritable(place, errno, use)
        }
    }

    private static func unwritable(_ place: String, _ error: Int32, _ use: Use) -> PortFailure {
        PortFailure(
            error == ENOSPC || error == EDQUOT ? .full : .unauthorised,
            "the \(use.writer) cannot write \(place) (\(reason(of: error))): "
                + "give this user the right to read and write it, or set \(use.setting) to a file elsewhere"
        )
    }

    private static func reason(of error: Int32) -> String { unsafe String(cString: strerror(error)) }

    private static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}

/// Files that the kernel makes while they are read: they have no size, and what looks for one reads only their first page.
enum KernelFile {
    /// The whole text; empty if there is no such file.
    static func text(_ path: String) -> String {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var text: [UInt8] = []
        var page = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe page.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
            if count <= 0 { return String(decoding: text, as: UTF8.self) }
            text += page.prefix(count)
        }
    }
}

/// The kind of a file system, as the list of mounts tells it.
struct FileSystem: Equatable {
    /// For example `ext4` or `fuse.sshfs`; empty if unknown.
    let type: String

    /// The file system of a folder.
    static func of(_ folder: String) -> Self {
        let mounts = KernelFile.text("/proc/self/mountinfo")
        let place = URL(filePath: folder).resolvingSymlinksInPath().path(percentEncoded: false)
        return Self(type: type(of: place, in: mounts))
    }

    /// The type of the mount that a path is in: the longest mount point that is a beginning of it, the last of equals.
    static func type(of path: String, in mounts: String) -> String {
        let path = path.hasSuffix("/") ? path : path + "/"
        var best = (length: 0, type: "")
        for line in mounts.split(separator: "\n") {
            // 36 35 98:0 /root /mount/point options… - type source options
            let halves = line.split(separator: " - ", maxSplits: 1)
            guard halves.count == 2, let type = halves[1].split(separator: " ").first else { continue }
            let fields = halves[0].split(separator: " ")
            guard fields.count > 4 else { continue }
            let point = fields[4].replacing("\\040", with: " ")
            let prefix = point == "/" ? point : point + "/"
            if path.hasPrefix(prefix), prefix.utf8.count >= best.length { best = (prefix.utf8.count, String(type)) }
        }
        return best.type
    }

    /// Whether several machines may see it, so that locks and memory maps cannot be trusted.
    ///
    /// What is behind FUSE is unknown, but for disks and layers of this machine.
    var isShared: Bool {
        if type.hasPrefix("fuse") { return !Self.localFuse.contains(type) }
        return Self.shared.contains(type)
    }

    private static let localFuse: Set<String> = ["fuseblk", "fuse.fuse-overlayfs", "fuse.ntfs-3g"]

    private static let shared: Set<String> = [
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "9p", "afs", "ceph", "coda", "gfs2", "ocfs2", "lustre", "gpfs",
        "beegfs", "vboxsf", "vmhgfs", "prl_fs", "virtiofs", "glusterfs", "davfs", "orangefs",
    ]
}
