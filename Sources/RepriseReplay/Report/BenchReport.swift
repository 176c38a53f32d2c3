internal import RepriseRemote

/// The results of a benchmark as people or programs read them.
public struct BenchReport: Sendable {
    private let configuration: BenchConfiguration
    private let phases: [PhaseResult]

    /// Creates a report.
    public init(_ configuration: BenchConfiguration, _ phases: [PhaseResult]) {
        self.configuration = configuration
        self.phases = phases
    }

    /// Bytes of fetched values that were wrong.
    public var wrongByteCount: Int {
        phases.flatMap(\.operations).reduce(0) { $0 + $1.wrongByteCount }
    }

    /// One row for each kind of operation of each phase, below a line that says what was measured.
    public var table: String {
        var rows = [["operation", "count", "misses", "ops/s", "throughput", "p50", "p90", "p99", "max"]]
        for phase in phases {
            for operation in phase.operations { rows.append(row(operation, phase.wallSeconds)) }
        }
        let alignments: [TextTable.Alignment] = [.left] + Array(repeating: .right, count: rows[0].count - 1)
        return heading + "\n" + TextTable(alignments: alignments, rows: rows).text
    }

    /// The same as one object; latencies are in microseconds.
    public var json: JSONValue {
        .object([
            ("url", .string("\(configuration.url)")),
            ("protocol", .string("\(configuration.url.wire)")),
            ("dialect", dialect),
            ("value_bytes", .integer(configuration.valueByteCount)),
            ("connections", .integer(configuration.connectionCount)),
            ("keys", .integer(configuration.keyCount)),
            ("verified", .bool(configuration.verifies)),
            ("phases", .array(phases.map(json))),
        ])
    }

    /// The dialect of lm; RESP has none.
    private var dialect: JSONValue {
        configuration.url.wire == .lm ? .string("\(configuration.dialect)") : .null
    }

    private var heading: String {
        let size = HumanText.bytes(configuration.valueByteCount)
        let verified = configuration.verifies ? "; \(HumanText.count(wrongByteCount)) wrong bytes" : ""
        return "\(configuration.url): values of \(size), \(configuration.connectionCount) connections, "
            + "\(HumanText.count(configuration.keyCount)) keys\(verified)"
    }

    private func row(_ result: OperationResult, _ wallSeconds: Double) -> [String] {
        let count = result.latencies.count
        let rate = wallSeconds > 0 ? Double(count) / wallSeconds : 0
        let throughput = wallSeconds > 0 ? Double(result.byteCount) / wallSeconds : 0
        return [
            result.operation.rawValue, HumanText.count(count), HumanText.count(result.missCount),
            HumanText.fixed(rate, digits: rate < 100 ? 1 : 0),
            result.operation == .exist ? "-" : HumanText.rate(bytesPerSecond: throughput),
        ] + LatencyText.cells(result.latencies)
    }

    private func json(_ phase: PhaseResult) -> JSONValue {
        .object([
            ("wall_seconds", .number(phase.wallSeconds)),
            ("operations", .array(phase.operations.map { json($0, phase.wallSeconds) })),
        ])
    }

    private func json(_ result: OperationResult, _ wallSeconds: Double) -> JSONValue {
        .object([
            ("operation", .string(result.operation.rawValue)),
            ("count", .integer(result.latencies.count)),
            ("misses", .integer(result.missCount)),
            ("bytes", .integer(result.byteCount)),
            ("wrong_bytes", .integer(result.wrongByteCount)),
            ("operations_per_second", .number(Double(result.latencies.count) / wallSeconds)),
            ("bytes_per_second", .number(Double(result.byteCount) / wallSeconds)),
            ("latency_us", LatencyText.json(result.latencies)),
        ])
    }
}
