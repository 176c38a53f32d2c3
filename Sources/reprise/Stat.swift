import ArgumentParser
import RepriseCore
import RepriseRemote
import RepriseReplay

/// `reprise stat`: shows a node's statistics.
struct Stat: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the node's statistics, once or as rates that are drawn anew.",
        discussion: """
            Over redis:// a Reprise node shows the same as over lm://, and another server its INFO as it \
            came. LMCache's own server has no statistics: it closes the connection.

            --watch shows what the node does: commands a second and their mean latency within the node, hit \
            rates, traffic, memory, entries, evictions and connections, each over the time since the last \
            drawing. It goes on when the node restarts, and ends with Ctrl-C or after --count drawings. On a \
            terminal each drawing replaces the last one.
            """
    )

    @OptionGroup var node: NodeOptions

    @Flag(help: "Print one JSON object, name to number.")
    var json = false

    @Flag(help: "Print the node's answer as it came: Prometheus' text format, or INFO over redis://.")
    var raw = false

    @Flag(name: [.short, .long], help: "Show rates, again and again.")
    var watch = false

    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "With --watch, the time between drawings: seconds, or a duration such as 250ms. (default: 1)",
            valueName: "interval"
        ),
        transform: Stat.interval
    )
    var interval: Duration?

    @Option(name: [.customShort("n"), .long], help: "With --watch, end after so many drawings.")
    var count: Int?

    func validate() throws {
        guard !(json && raw) else { throw ValidationError("--json and --raw exclude each other") }
        guard !watch || !(json || raw) else { throw ValidationError("--watch excludes --json and --raw") }
        guard watch || (interval == nil && count == nil) else {
            throw ValidationError("--interval and --count need --watch")
        }
        guard (interval ?? .seconds(1)) > .zero else { throw ValidationError("--interval must be positive") }
        guard (count ?? 1) > 0 else { throw ValidationError("--count must be at least 1") }
    }

    func run() throws {
        guard !watch else {
            return try StatWatch(node: node, interval: interval ?? .seconds(1), countMax: count).run()
        }
        var connection = try node.connect()
        let statistics = try connection.statistics()
        let isForeign = statistics.format == .info && !InfoText(statistics.text).isReprise
        if raw || (isForeign && !json) { return try Console.write(Array(statistics.text.utf8).rawSpan) }
        let samples = MetricSample.parse(statistics)
        if json {
            let members = samples.map { ($0.name, JSONValue(number: $0.value)) }
            return try Console.writeLine(JSONValue.object(members).text)
        }
        let table = TextTable(alignments: [.left, .right], rows: samples.map { [$0.name, $0.value] })
        try Console.writeLine(table.text)
    }

    /// Reads `2` as seconds, and everything else as a duration.
    private static func interval(_ text: String) throws -> Duration {
        let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        return try OptionText.duration(isNumber ? text + "s" : text)
    }
}
