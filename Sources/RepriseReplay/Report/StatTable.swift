/// The rates of a node as people read them, for a display that is drawn again and again.
public struct StatTable: Sendable {
    /// The most commands that are shown; the busiest ones are.
    public static let commandCountMax = 16

    private let title: String
    private let rates: StatRates

    /// Creates a table; `title` names the node.
    public init(title: String, _ rates: StatRates) {
        self.title = title
        self.rates = rates
    }

    /// The title, a row for each command, and a row for each of the other findings.
    public var text: String {
        let restart = rates.isFreshStart ? "; the node began anew" : ""
        let heading = "\(title), over \(HumanText.fixed(rates.seconds, digits: 2)) s\(restart)"
        let alignments: [TextTable.Alignment] = [.left, .right, .right]
        let commands = TextTable(alignments: alignments, rows: commandRows).text
        return "\(heading)\n\n\(commands)\n\n\(TextTable(alignments: [.left, .left], rows: findingRows).text)"
    }

    private var commandRows: [[String]] {
        let busiest = rates.commands.sorted { $0.perSecond > $1.perSecond }.prefix(StatTable.commandCountMax)
        let names = Set(busiest.map(\.name))
        let shown = [rates.total] + rates.commands.filter { names.contains($0.name) }
        return [["command", "per second", "mean latency"]]
            + shown.map { command in
                let latency = command.meanSeconds.map { HumanText.nanoseconds($0 * 1e9) }
                let rate = rates.latest.commands.isEmpty ? "-" : StatTable.rate(command.perSecond)
                return [command.name, rate, latency ?? "-"]
            }
    }

    private var findingRows: [[String]] {
        let received = rates.receivedBytesPerSecond.map(HumanText.rate(bytesPerSecond:)) ?? "-"
        let sent = rates.sentBytesPerSecond.map(HumanText.rate(bytesPerSecond:)) ?? "-"
        return [
            ["hit rate", hitRates],
            ["traffic", "in \(received), out \(sent)"],
            ["memory", memory],
            ["entries", StatTable.count(rates.latest.entryCount)],
            ["evictions", rates.evictionsPerSecond.map { "\(StatTable.rate($0)) a second" } ?? "-"],
            ["connections", StatTable.count(rates.latest.connectionCount)],
        ]
    }

    private var hitRates: String {
        guard !rates.findings.isEmpty else { return "-" }
        let texts = rates.findings.map { finding in
            guard let rate = finding.rate else { return "\(finding.name) -" }
            let (hits, all) = (StatTable.count(finding.hitCount), StatTable.count(finding.count))
            return "\(finding.name) \(HumanText.fixed(rate, digits: 3)) (\(hits) of \(all))"
        }
        return texts.joined(separator: ", ")
    }

    private var memory: String {
        guard let used = rates.latest.usedByteCount else { return "-" }
        let text = HumanText.bytes(StatTable.whole(used))
        guard let capacity = rates.latest.capacityByteCount, capacity > 0 else { return "\(text), no limit" }
        let share = HumanText.fixed(used / capacity * 100, digits: 1)
        return "\(text) of \(HumanText.bytes(StatTable.whole(capacity))) (\(share) %)"
    }

    /// A whole number near any that a server may claim; those beyond what a counter reaches are cut.
    private static func whole(_ value: Double) -> Int { Int(min(max(value, -1e15), 1e15)) }

    private static func count(_ count: Double?) -> String {
        count.map { HumanText.count(whole($0)) } ?? "-"
    }

    private static func rate(_ rate: Double) -> String {
        rate < 100 ? HumanText.fixed(rate, digits: 1) : HumanText.count(whole(rate.rounded()))
    }
}
