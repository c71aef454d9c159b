import Glibc
package import Migration

/// The two clocks of a file, and whose they are.
///
/// Leases are counted on a clock that only goes forward, so that a wall clock that jumps moves none of them. It has no
/// meaning beyond one boot of one machine: therefore the file knows which boot uses it.
package struct SQLiteClock: Sendable {
    /// Microseconds since this boot began, also those in which the machine slept.
    package var sinceBoot: @Sendable () -> Int64
    package var wall: @Sendable () -> DatabaseTime
    package var bootID: String
    /// Which machine this is; empty if that is unknown, as in many containers.
    package var machineID: String

    package init(
        sinceBoot: @escaping @Sendable () -> Int64,
        wall: @escaping @Sendable () -> DatabaseTime,
        bootID: String,
        machineID: String
    ) {
        self.sinceBoot = sinceBoot
        self.wall = wall
        self.bootID = bootID
        self.machineID = machineID
    }

    /// The clocks of this machine.
    package static var system: Self {
        Self(
            sinceBoot: { microseconds(of: CLOCK_BOOTTIME) },
            wall: { DatabaseTime(microseconds: microseconds(of: CLOCK_REALTIME)) },
            bootID: firstLine(of: "/proc/sys/kernel/random/boot_id"),
            machineID: firstLine(of: "/etc/machine-id")
        )
    }

    private static func microseconds(of clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    private static func firstLine(of path: String) -> String {
        String(KernelFile.text(path).prefix { $0 != "\n" })
    }
}
