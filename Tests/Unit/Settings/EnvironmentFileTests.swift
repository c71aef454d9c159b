import Testing

@testable import Adapters

@Suite struct `The .env parser` {
    private func values(_ text: String) -> [String: String] {
        EnvironmentFile(path: ".env", text: text).entries.mapValues(\.value)
    }

    @Test(arguments: [
        ("A=1", "1"), ("A = 1 ", "1"), ("export A=1", "1"), ("export\tA=1", "1"), ("  A=1", "1"), ("A=", ""),
        ("A=1 # one", "1"), ("A=1#one", "1#one"), ("A= # nothing", ""), ("A=#nothing", ""), ("A=a b", "a b"),
        (#"A="1""#, "1"), (#"A="1 # 2" # three"#, "1 # 2"), (#"A='1 # 2'#three"#, "1 # 2"), (#"A="""#, ""),
        (#"A="x\ny\t\"z\" \$ \\ \q""#, "x\ny\t\"z\" $ \\ \\q"), (#"A='\n'"#, #"\n"#), ("A='é漢'", "é漢"),
        ("A=b=c", "b=c"), ("A=\"one\ntwo\"", "one\ntwo"), ("\u{FEFF}A=1", "1"), ("A=1\r\n", "1"),
        ("A='it\"s'", "it\"s"), ("A=it's", "it's"), ("A=1\nA=2", "2"), ("A=$HOME", "$HOME"),
    ])
    func `reads a value`(text: String, value: String) {
        let file = EnvironmentFile(path: ".env", text: text)
        #expect(file.problems.isEmpty)
        #expect(file.entries["A"]?.value == value)
    }

    @Test func `remembers the line of each value, after a value of several lines too`() {
        let file = EnvironmentFile(path: ".env", text: "# first\n\nA=\"1\n2\"\nB=3\n")
        #expect(file.entries["A"]?.line == 3)
        #expect(file.entries["B"]?.line == 5)
    }

    @Test(arguments: [
        ("A=1\nnonsense\n", 2, "no `=`"), ("=1", 1, "usable name"), ("1A=1", 1, "usable name"),
        ("A B=1", 1, "usable name"),
        ("\nA=\"1", 2, "never closed"), ("A='1", 1, "never closed"), (#"A="1" 2"#, 1, "after the closing quote"),
    ])
    func `names the line it cannot read, and not its text`(text: String, line: Int, words: String) throws {
        let file = EnvironmentFile(path: ".env", text: text)
        let problem = try #require(file.problems.first)
        #expect(file.problems.count == 1)
        #expect(problem.line == line)
        #expect(problem.sentence.contains(words))
        #expect(!problem.sentence.contains("nonsense"))
    }

    @Test func `goes on after a line it cannot read`() {
        #expect(values("nonsense\nA=\"1\nB=2\nC=3") == ["B": "2", "C": "3"])
    }
}
