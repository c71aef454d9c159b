import Migration
import Settings
import Testing

@testable import Adapters

@Suite struct `MySQL names and conditions` {
    private func options(
        table: String = "t",
        columns: MySQLOptions.Columns = .init(),
        where condition: String? = nil
    ) -> MySQLOptions {
        MySQLOptions(
            host: "127.0.0.1",
            user: "u",
            password: Secret("p"),
            database: "d",
            table: table,
            columns: columns,
            where: condition,
            tls: .off
        )
    }

    @Test(arguments: [
        ("ip_summary", "`ip_summary`"), ("db.t", "`db`.`t`"), ("select", "`select`"), ("a`b", "`a``b`"),
        ("t; DROP TABLE t", "`t; DROP TABLE t`"), ("表", "`表`"), ("my table", "`my table`"),
        ("my-db.my-table", "`my-db`.`my-table`"), ("it's", "`it's`"), (#"say "hi""#, #"`say "hi"`"#),
        (#"back\slash"#, #"`back\slash`"#), ("a/b", "`a/b`"), ("50%", "`50%`"), ("1", "`1`"), (" x", "` x`"),
        ("-- x", "`-- x`"), ("#x", "`#x`"), ("@x", "`@x`"), ("$x", "`$x`"), ("`my.table`", "`my.table`"),
        ("`my.db`.`my.table`", "`my.db`.`my.table`"), ("db.`my.table`", "`db`.`my.table`"),
        ("`my.db`.t", "`my.db`.`t`"), ("`a``b`", "`a``b`"), ("`a.b``.c`.d", "`a.b``.c`.`d`"), ("````", "````"),
    ])
    func `a table name is quoted whatever it holds`(table: String, quoted: String) throws {
        #expect(try MySQLNames(options(table: table)).table == quoted)
    }

    @Test(arguments: [
        "", ".", "a.", ".b", "a.b.c", "a\0b", "name ", "``", "`a", "`a`b", "`a`.", "`a`.`b`.`c`", "`a.b", "a.`b",
        "`a `", String(repeating: "x", count: 65),
    ])
    func `a name that cannot be one is refused with the setting's name`(name: String) {
        let failure = #expect(throws: PortFailure.self) { try MySQLNames(options(table: name)) }
        #expect(failure?.kind == .rejected)
        #expect(failure?.detail.contains("MYSQL_TABLE") == true)
    }

    @Test func `64 characters are a name and a column is refused under its own setting`() throws {
        let longest = String(repeating: "é", count: 64)
        #expect(try MySQLNames(options(table: longest)).table == "`\(longest)`")
        for (columns, setting) in [
            (MySQLOptions.Columns(id: ""), "MYSQL_ID_COLUMN"),
            (MySQLOptions.Columns(tenant: ""), "MYSQL_TENANT_COLUMN"),
            (MySQLOptions.Columns(content: ""), "MYSQL_CONTENT_COLUMN"),
        ] {
            let failure = #expect(throws: PortFailure.self) { try MySQLNames(options(columns: columns)) }
            #expect(failure?.detail.contains(setting) == true)
        }
    }

    @Test func `a column name may hold a dot, because it is never split`() throws {
        #expect(try MySQLNames(options(columns: .init(id: "a.b"))).id == "`a.b`")
    }

    @Test(arguments: [
        "id > 5", "member_code IN ('a', 'b')", "a = 'it''s; -- #'", #"a LIKE 'x\'); --'"#, "(a) OR (b)",
        "`a;b` = \"c/*d\"", "5 - 3 > 1", "a / b * c = 1",
    ])
    func `one expression is accepted and put in parentheses`(condition: String) throws {
        #expect(try MySQLNames(options(where: condition)).condition == " AND (\(condition))")
    }

    @Test(arguments: [
        ("", "empty"), (" \n", "empty"), ("1; DROP TABLE t", "semicolon"), ("1 -- x", "comment"), ("1 # x", "comment"),
        ("1 /* x", "comment"), ("1) OR (1", "not opened"), ("(1", "not closed"), ("a = 'x", "not closed"),
        ("a = `x", "not closed"), (#"a = 'x\'"#, "not closed"), ("1\0", "NUL"), ("/*!50000 1*/ = 1", "comment"),
    ])
    func `what would not stay one expression is refused with the reason`(condition: String, reason: String) {
        let failure = #expect(throws: PortFailure.self) { try MySQLNames(options(where: condition)) }
        #expect(failure?.kind == .rejected)
        #expect(failure?.detail.contains(reason) == true)
    }
}
