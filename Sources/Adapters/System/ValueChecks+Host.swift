import FoundationEssentials
import Migration
package import Settings

extension ValueChecks {
    /// The checks with the files of this host, libcurl and libpq.
    package static var host: Self {
        Self(
            fileExists: { FileManager.default.isReadableFile(atPath: $0) },
            serviceAddress: { text in
                (try? HTTPAddress(text)).map {
                    ServiceAddress(name: $0.name, isPlaintext: $0.isPlaintext, isLoopback: $0.isLoopback)
                }
            },
            // libpq's own parser decides, so that the checked address is the one that is used.
            postgresProblem: { url, allowsPlaintext in
                do throws(PortFailure) {
                    _ = try PostgresLogin(url, allowsPlaintext: allowsPlaintext)
                    return nil
                } catch {
                    return error.detail.replacing("POSTGRES_URL ", with: "", maxReplacements: 1)
                }
            }
        )
    }
}
