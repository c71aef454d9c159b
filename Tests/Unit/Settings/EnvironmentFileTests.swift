import Testing

@testable import Settings

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
        ("A=1\nnonsense\n", 2, "no `=`"), ("=1", 1, "usable name"),
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

    @Test(arguments: [
        "A-B=1", "a.b=1", "1A=1", "spring.datasource.url=jdbc:mysql://u:p@h/d", "export X-Y=2", "größe=3", "名=4",
        "a/b=5", "[a]=6", "a.b=\"one\nB=no\"", "a.b='1' # two", "x:y=1", "A%=1", "-=1", "#=1", "é=",
    ])
    func `passes over a name that is another program's`(line: String) {
        let file = EnvironmentFile(path: ".env", text: "A=0\n\(line)\nC=3")
        #expect(file.problems.isEmpty)
        #expect(file.entries.mapValues(\.value) == ["A": "0", "C": "3"])
    }

    @Test(arguments: [
        "#️⃣ keycap", "#\u{301} accent", "#\u{20E3}", "# 日本語", "#\u{200D}joined", "#🇩🇪", "#\u{FE0F}", "# \u{2028}x",
        "#\u{0327}", " \t#\u{0}", "#\u{1F3FB}", "#\u{E0101}", "#\u{94D}", "# a=b", "#\u{FEFF}",
    ])
    func `passes over a comment of any script`(line: String) {
        let file = EnvironmentFile(path: ".env", text: "A=0\n\(line)\nC=3")
        #expect(file.problems.isEmpty)
        #expect(file.entries.mapValues(\.value) == ["A": "0", "C": "3"])
    }

    @Test(arguments: [
        ("A=\u{301}x", "\u{301}x"), ("A=\"\u{301}x\"", "\u{301}x"), ("A='x\u{301}'", "x\u{301}"),
        ("A=x #\u{301}y", "x"), ("A='x'#\u{301}", "x"), ("A=\"\\\"\u{301}\"", "\"\u{301}"), ("A=👩‍👩‍👧", "👩‍👩‍👧"),
        ("A=\u{20E3}", "\u{20E3}"), ("A=\u{200D}", "\u{200D}"), ("A=\"\u{FE0F}\"", "\u{FE0F}"),
    ])
    func `keeps a value that begins or ends with a combining mark`(text: String, value: String) {
        let file = EnvironmentFile(path: ".env", text: text)
        #expect(file.problems.isEmpty)
        #expect(file.entries["A"]?.value.unicodeScalars.elementsEqual(value.unicodeScalars) == true)
    }

    @Test func `goes on after a line it cannot read`() {
        #expect(values("nonsense\nA=\"1\nB=2\nC=3") == ["B": "2", "C": "3"])
    }
}
