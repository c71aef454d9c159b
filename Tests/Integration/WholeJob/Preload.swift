import Foundation
import Subprocess
import Testing

/// Libraries that are loaded before all others and change what a process sees of its machine.
enum Preload {
    /// Sets the wall clock of a process one hour ahead, but not the clocks that measure durations.
    private static let skew = """
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>

        int clock_gettime(clockid_t clock, struct timespec *now) {
            int failed = syscall(SYS_clock_gettime, clock, now);
            if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += 3600;
            return failed;
        }

        int gettimeofday(struct timeval *now, void *zone) {
            struct timespec exact;
            int failed = clock_gettime(CLOCK_REALTIME, &exact);
            now->tv_sec = exact.tv_sec;
            now->tv_usec = exact.tv_nsec / 1000;
            return failed;
        }

        time_t time(time_t *place) {
            struct timespec exact;
            clock_gettime(CLOCK_REALTIME, &exact);
            if (place) *place = exact.tv_sec;
            return exact.tv_sec;
        }
        """

    /// Opens the file of this path below the folder `OTHER_FILES`, where there is one.
    private static let others = """
        #define _GNU_SOURCE
        #include <fcntl.h>
        #include <limits.h>
        #include <stdarg.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <sys/syscall.h>
        #include <unistd.h>

        static int open_other(const char *path, int flags, va_list rest) {
            char other[PATH_MAX];
            const char *folder = getenv("OTHER_FILES");
            int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, int) : 0;
            if (folder && snprintf(other, sizeof other, "%s%s", folder, path) < PATH_MAX && !access(other, R_OK))
                path = other;
            return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
        }

        #define OPEN(name) int name(const char *path, int flags, ...) { \\
            va_list rest; \\
            va_start(rest, flags); \\
            int file = open_other(path, flags, rest); \\
            va_end(rest); \\
            return file; \\
        }
        OPEN(open)
        OPEN(open64)
        """

    /// The path of the library with the wrong clock.
    static func skewedClock(in folder: URL) async throws -> String { try await compiled(skew, "skew", in: folder) }

    /// Files of another machine, in place of those of this one.
    struct OtherFiles: Sendable {
        let variables: [String: String]
        fileprivate let folder: URL

        func put(_ text: String, at path: String) throws {
            let file = folder.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: file)
        }
    }

    static func otherFiles(in folder: URL) async throws -> OtherFiles {
        let library = try await compiled(others, "others", in: folder)
        let place = folder.appending(path: "other-files")
        return OtherFiles(variables: ["LD_PRELOAD": library, "OTHER_FILES": place.path()], folder: place)
    }

    private static func compiled(_ text: String, _ name: String, in folder: URL) async throws -> String {
        let (source, library) = (folder.appending(path: name + ".c"), folder.appending(path: name + ".so"))
        try Data(text.utf8).write(to: source)
        let compiled = try await Subprocess.run(
            .name("clang"),
            arguments: ["-shared", "-fPIC", "-O1", "-o", library.path(), source.path()],
            output: .discarded,
            error: .string(limit: 1 << 16)
        )
        try #require(compiled.terminationStatus.isSuccess, "\(compiled.standardError)")
        return library.path()
    }
}
