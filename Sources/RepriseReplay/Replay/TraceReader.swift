/// Reads traces: one JSON object a line, with `timestamp`, `input_length`, `output_length` and `hash_ids`.
public enum TraceReader {
    /// The largest file accepted, in bytes.
    public static let fileByteCountMax = 1 << 30
    /// The most blocks of one request.
    public static let blockCountMax = 1 << 20

    /// Reads the first `limit` requests of a trace, or all; empty lines are skipped.
    ///
    /// All four fields are required, in any order; their numbers are whole and not negative. Nothing behind
    /// the limit is read.
    ///
    /// - Throws: ``TraceError`` with the line.
    /// - Complexity: O(bytes).
    public static func read(_ bytes: [UInt8], limit: Int = .max) throws(TraceError) -> [TraceRequest] {
        var requests: [TraceRequest] = []
        var start = 0
        var line = 1
        while start < bytes.count, requests.count < limit {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            var parser = TraceLineParser(bytes[start..<end], line: line)
            if let request = try parser.request() { requests.append(request) }
            start = end + 1
            line += 1
        }
        return requests
    }
}
