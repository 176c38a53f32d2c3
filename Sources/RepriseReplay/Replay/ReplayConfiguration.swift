internal import RepriseCore
public import RepriseRemote
public import RepriseWire

/// How a trace is replayed.
public struct ReplayConfiguration: Sendable {
    /// The smallest block: room for its id, without which blocks would not differ.
    public static let blockByteCountMin = 8

    /// Where the node listens.
    public var url: NodeURL
    /// The dialect of lm to speak; without effect over RESP.
    public var dialect: LMDialect = .current
    /// How long to wait for the node.
    public var timeouts = RemoteTimeouts()
    /// The size of every block, in bytes.
    public var blockByteCount: Int
    /// What every key begins with, where an engine's keys have the model's name.
    public var keyPrefix: String

    /// Creates a configuration; by default the keys name the block's size, so that replays with different
    /// ones do not meet.
    public init(url: NodeURL, blockByteCount: Int, keyPrefix: String? = nil) {
        self.url = url
        self.blockByteCount = blockByteCount
        self.keyPrefix = keyPrefix ?? "replay-\(blockByteCount)"
    }

    /// A block's key, of the form that an engine's keys have: model, world size, worker, chunk hash, element
    /// type.
    internal func key(of id: UInt64) -> StorageKey {
        StorageKey("\(keyPrefix)@1@0@\(String(id, radix: 16))@bfloat16")
    }

    /// What is wrong with the configuration, or `nil`.
    public var problem: String? {
        let range = ReplayConfiguration.blockByteCountMin...LMLimits.payloadByteCountMax
        guard !range.contains(blockByteCount) else { return nil }
        return "a block must have \(range.lowerBound) to \(range.upperBound) bytes"
    }
}
