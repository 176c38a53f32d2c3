import ArgumentParser
import RepriseCore
import RepriseRemote
import RepriseReplay

/// `reprise stat`: shows a node's statistics.
struct Stat: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the node's statistics.",
        discussion: "LMCache's own server has none: it closes the connection."
    )

    @OptionGroup var node: NodeOptions

    @Flag(help: "Print one JSON object, name to number.")
    var json = false

    @Flag(help: "Print the node's answer as it came, in Prometheus' text format.")
    var raw = false

    func validate() throws {
        guard !(json && raw) else { throw ValidationError("--json and --raw exclude each other") }
    }

    func run() throws {
        var connection = try node.connect()
        let text = try connection.statistics().text
        if raw { return try Console.write(Array(text.utf8).rawSpan) }
        let samples = MetricSample.parse(text)
        if json {
            let members = samples.map { ($0.name, JSONValue(number: $0.value)) }
            return try Console.writeLine(JSONValue.object(members).text)
        }
        let table = TextTable(alignments: [.left, .right], rows: samples.map { [$0.name, $0.value] })
        try Console.writeLine(table.text)
    }
}
