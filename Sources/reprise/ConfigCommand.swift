import ArgumentParser
import RepriseConfiguration
import RepriseReplay

/// `reprise config`: shows the settings in effect.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Show the settings that serve would use, and where each comes from.",
        discussion: """
            Takes the options of serve, reads the same variables and the same file, and starts nothing. Each \
            line has a setting's name, as in a file, its value, and the option, variable or line of the file \
            that decided it. Options win over $REPRISE_… variables, these over $LMCACHE_… variables, these \
            over the file. Exits with 64 when something is wrong.
            """
    )

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var options: ServeOptions

    func run() throws {
        let plan = try ServePlan(try options.resolve())
        guard !json else { return try Console.writeLine(Self.document(plan.resolved).text) }
        try Console.writeLine(Self.table(plan.resolved.rows))
        for notice in plan.resolved.notices { Console.warn(notice) }
    }

    private static let columnWidthMax = 40

    private static func table(_ rows: [ResolvedConfiguration.Row]) -> String {
        let nameWidth = width(rows.map(\.name))
        let valueWidth = width(rows.map(\.value))
        return rows.map { row in
            let origin = row.origin.description + (row.note.map { " (\($0))" } ?? "")
            return "\(padded(row.name, nameWidth))  \(padded(row.value, valueWidth))  \(origin)"
        }.joined(separator: "\n")
    }

    /// The width of a column, in which a few long texts do not count.
    private static func width(_ texts: [String]) -> Int {
        texts.map(\.count).filter { $0 <= columnWidthMax }.max() ?? 0
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func document(_ resolved: ResolvedConfiguration) -> JSONValue {
        let settings = resolved.rows.map { row in
            var members: [(String, JSONValue)] = [
                ("name", .string(row.name)), ("value", .string(row.value)),
                ("origin", .string(row.origin.description)),
            ]
            if let note = row.note { members.append(("note", .string(note))) }
            return JSONValue.object(members)
        }
        return .object([
            ("settings", .array(settings)), ("notices", .array(resolved.notices.map(JSONValue.string))),
        ])
    }
}
