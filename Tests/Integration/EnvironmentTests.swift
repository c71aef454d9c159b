import Foundation
import Testing

@Suite struct `The test environment` {
    @Test(.enabled(if: TestEnvironment.require), arguments: Need.allCases.filter(\.isRequired))
    func `is complete where it is required`(need: Need) {
        for name in need.missing {
            Issue.record("\(name) is not set, but MIGRATE_TEST_REQUIRE=1 demands \(need.rawValue)")
        }
    }

    @Test func `names at the end of the run what was not run`() {
        let unmet = Need.allCases.filter { !$0.isMet }
        guard !unmet.isEmpty, !TestEnvironment.require else { return }
        // At exit, so that it is the last line a reader sees. The closure must not capture: C calls it.
        let registered = atexit {
            let list = Need.allCases.filter { !$0.isMet }.map { need in
                "\(need.rawValue) (\(need.missing.first ?? ""))"
            }
            let line = "not run (`make test` starts what they need): " + list.joined(separator: ", ") + "\n"
            try? FileHandle.standardOutput.write(contentsOf: Data(line.utf8))
        }
        #expect(registered == 0)
    }
}
