internal import RepriseRemote

/// The result of a replay as people or programs read it.
public struct ReplayReport: Sendable {
    private let traceName: String
    private let configuration: ReplayConfiguration
    private let result: ReplayResult

    /// Creates a report.
    public init(traceName: String, _ configuration: ReplayConfiguration, _ result: ReplayResult) {
        self.traceName = traceName
        self.configuration = configuration
        self.result = result
    }

    /// A line that says what was replayed, the findings, and a table of latencies.
    public var text: String {
        let size = HumanText.bytes(configuration.blockByteCount)
        let findings = TextTable(alignments: [.left, .left], rows: findingRows)
        var rows = [["latency", "count", "p50", "p90", "p99", "max"]]
        for (name, latencies) in [("lookup", result.lookupLatencies), ("store", result.storeLatencies)] {
            rows.append([name, HumanText.count(latencies.count)] + LatencyText.cells(latencies))
        }
        let table = TextTable(alignments: [.left] + Array(repeating: .right, count: 5), rows: rows)
        return "\(traceName) on \(configuration.url), blocks of \(size)\n\(findings.text)\n\n\(table.text)"
    }

    /// The same as one object; latencies are in microseconds.
    public var json: JSONValue {
        .object([
            ("trace", .string(traceName)),
            ("url", .string("\(configuration.url)")),
            ("protocol", .string("\(configuration.url.wire)")),
            ("dialect", dialect),
            ("block_bytes", .integer(configuration.blockByteCount)),
            ("requests", .integer(result.requestCount)),
            ("block_references", .integer(result.blockReferenceCount)),
            ("hits", .integer(result.hitCount)),
            ("hit_rate", .number(result.hitRate)),
            ("blocks_stored", .integer(result.storedBlockCount)),
            ("requests_not_kept", .integer(result.unkeptRequestCount)),
            ("wrong_blocks", .integer(result.wrongBlockCount)),
            ("wrong_bytes", .integer(result.wrongByteCount)),
            ("bytes_read", .integer(result.readByteCount)),
            ("bytes_stored", .integer(result.storedByteCount)),
            ("wall_seconds", .number(result.wallSeconds)),
            ("client_seconds", .number(result.clientSeconds)),
            ("bytes_per_second", .number(rate)),
            ("lookup_latency_us", LatencyText.json(result.lookupLatencies)),
            ("store_latency_us", LatencyText.json(result.storeLatencies)),
        ])
    }

    /// The dialect of lm; RESP has none.
    private var dialect: JSONValue {
        configuration.url.wire == .lm ? .string("\(configuration.dialect)") : .null
    }

    private var findingRows: [[String]] {
        let rate = HumanText.fixed(result.hitRate, digits: 4)
        let hits =
            "\(HumanText.count(result.hitCount)) of \(HumanText.count(result.blockReferenceCount)) blocks"
        let wrongBlocks =
            result.wrongBlockCount > 0 ? " in \(HumanText.count(result.wrongBlockCount)) blocks" : ""
        let storedBlocks = HumanText.count(result.storedBlockCount)
        let notKept = HumanText.count(result.unkeptRequestCount)
        return [
            ["requests", HumanText.count(result.requestCount)],
            ["hit rate", "\(rate) (\(hits))"],
            ["wrong bytes", HumanText.count(result.wrongByteCount) + wrongBlocks],
            ["read", HumanText.bytes(result.readByteCount)],
            ["stored", "\(HumanText.bytes(result.storedByteCount)) (\(storedBlocks) blocks)"],
            ["not kept", "the last block of \(notKept) requests"],
            ["throughput", HumanText.rate(bytesPerSecond: self.rate) + ", read and stored"],
            [
                "wall time",
                "\(seconds(result.wallSeconds)), \(seconds(result.clientSeconds)) of it in this client",
            ],
        ]
    }

    private var rate: Double {
        let byteCount = result.readByteCount + result.storedByteCount
        return result.wallSeconds > 0 ? Double(byteCount) / result.wallSeconds : 0
    }

    private func seconds(_ seconds: Double) -> String { HumanText.nanoseconds(seconds * 1e9) }
}
