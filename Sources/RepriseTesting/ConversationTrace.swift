/// The real request trace that tests check hit rates against: one list of block ids for each request.
///
/// One id for each 512 tokens of a prompt; equal ids mean equal prefixes up to and including that block.
///
/// - Source: `conversation_trace.jsonl`, published with the Mooncake paper (FAST 2025), Apache-2.0.
public struct ConversationTrace: Sendable {
    /// The block ids of each request, in order of arrival; ids are dense, from 0.
    public let requests: [[UInt32]]
    /// One more than the largest block id.
    public let blockIDCount: Int

    /// Why a test that needs the trace is skipped where there is none.
    public static let absenceReason: String =
        "no conversation_trace.jsonl: set REPRISE_TRACES to its directory, or put that at ../shared/traces"

    /// The trace, read once from the directory that `REPRISE_TRACES` names, else from `../shared/traces`
    /// beside the package; `nil` when it is not there.
    public static let shared: ConversationTrace? = {
        // Sources/RepriseTesting/ConversationTrace.swift lies three levels below the package's root.
        let packageRoot = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        let directory = FileSystem.environmentVariable("REPRISE_TRACES") ?? "\(packageRoot)/../shared/traces"
        return FileSystem.contents(ofFile: "\(directory)/conversation_trace.jsonl").map {
            ConversationTrace(jsonLines: $0)
        }
    }()

    /// Reads the `"hash_ids": [...]` array of every line; a line without one is a request without blocks.
    ///
    /// - Complexity: O(bytes).
    public init(jsonLines bytes: [UInt8]) {
        var requests: [[UInt32]] = []
        var largest: UInt32?
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let ids = ConversationTrace.hashIDs(inLine: line)
            if let id = ids.max() { largest = max(largest ?? 0, id) }
            requests.append(ids)
        }
        self.requests = requests
        blockIDCount = largest.map { Int($0) + 1 } ?? 0
    }

    private static func hashIDs(inLine line: ArraySlice<UInt8>) -> [UInt32] {
        // The only array of a line is the one of the ids.
        guard let start = line.firstIndex(of: UInt8(ascii: "[")) else { return [] }
        var ids: [UInt32] = []
        var number: UInt32?
        for byte in line[start...] {
            if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                number = (number ?? 0) &* 10 &+ UInt32(byte - UInt8(ascii: "0"))
            } else if let id = number {
                ids.append(id)
                number = nil
            }
            if byte == UInt8(ascii: "]") { break }
        }
        return ids
    }
}
