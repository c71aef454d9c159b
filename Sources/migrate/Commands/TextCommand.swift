import ArgumentParser
import Migration
import Settings
import Terminal
import TextProcessing

struct TextCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "text",
        abstract: "Shows what a text becomes: normalised, tokens, chunks, sparse vector, points.",
        discussion: """
            Reads the text from standard input; needs no server and no key. With --json-lines each line is an object \
            with `text`, and the answer is one object per line, to compare with other tools. `tokens` and `sparse` \
            take the text as it is; `chunks` and `points` normalise it first. Flags have the names of the settings.

            EXAMPLES
              migrate text normalize < page.html
              migrate text chunks --chunk-size 256 < book.txt
              migrate text tokens --json-lines < texts.jsonl > ids.jsonl
            """,
        subcommands: [Normalize.self, Tokens.self, Chunks.self, Sparse.self, Points.self, Languages.self]
    )

    struct Normalize: TextSubcommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the text that everything else is derived from, and its checksum.",
            discussion: """
                With --json-lines: {"text"} → {"output","checksum"}.

                EXAMPLES
                  migrate text normalize < page.html
                """
        )

        @OptionGroup var input: TextInput

        func answer(_ texts: TextSession) throws { try texts.normalise() }
    }

    struct Tokens: TextSubcommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the text's cl100k_base tokens.",
            discussion: """
                With --json-lines: {"text"} → {"ids"}.

                EXAMPLES
                  migrate text tokens < page.txt
                """
        )

        @OptionGroup var input: TextInput
        @OptionGroup var flags: SettingFlags<TextGroup>

        func answer(_ texts: TextSession) throws {
            try texts.encode(input.settings(flags, environment: texts.environment))
        }
    }

    struct Chunks: TextSubcommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the parents and children a text is cut into.",
            discussion: """
                With --json-lines: {"text"} → {"parents":[{"start","end","tokens","children":[{"start","end","tokens"}]}]}, \
                byte offsets into the normalised text.

                EXAMPLES
                  migrate text chunks --chunk-size 256 --chunk-overlap 0 < book.txt
                """
        )

        @OptionGroup var input: TextInput
        @OptionGroup var flags: SettingFlags<TextGroup>

        func answer(_ texts: TextSession) throws {
            try texts.cut(input.settings(flags, environment: texts.environment))
        }
    }

    struct Sparse: TextSubcommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the text's BM25 term weights.",
            discussion: """
                With --json-lines: {"text"} → {"indices","values"}, indices ascending.

                EXAMPLES
                  migrate text sparse --sparse-avg-length 180 < page.txt
                """
        )

        @OptionGroup var input: TextInput
        @OptionGroup var flags: SettingFlags<TextGroup>

        func answer(_ texts: TextSession) throws {
            try texts.weigh(input.settings(flags, environment: texts.environment))
        }
    }

    struct Points: TextSubcommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the points that a record becomes, without their dense vectors.",
            discussion: """
                With --json-lines: {"text","summary_id","member_code"} → {"points":[…]}, none for a blank text.

                EXAMPLES
                  migrate text points --summary-id 7 --member-code M001 < page.txt
                """
        )

        @Option(name: .long, help: "The record's id; with --json-lines it is `summary_id`.")
        var summaryId: RecordID?

        @Option(name: .long, help: "The record's tenant; with --json-lines it is `member_code`.")
        var memberCode: String?

        @OptionGroup var input: TextInput
        @OptionGroup var flags: SettingFlags<TextGroup>
        @OptionGroup var model: SettingFlags<OpenAIGroup>

        func validate() throws {
            if !input.jsonLines, summaryId == nil || memberCode == nil {
                throw ValidationError(
                    "--summary-id and --member-code are needed: the points' ids derive from them"
                )
            }
        }

        func answer(_ texts: TextSession) throws {
            try texts.shape(
                input.settings(flags, model, environment: texts.environment),
                record: summaryId,
                memberCode: memberCode
            )
        }
    }
}

/// A command that prints an answer for each text.
protocol TextSubcommand: ParsableCommand {
    var input: TextInput { get }

    /// Prints the answer for every text.
    func answer(_ texts: TextSession) throws
}

extension TextSubcommand {
    func run() throws { try answer(input.texts) }
}
