internal import RepriseCore

/// How a value lies in a store that speaks RESP.
public enum RemoteLayout: String, CaseIterable, Sendable {
    /// One key, one record that proves itself (``RemoteRecord``); its key ends with `record`.
    case record
    /// LMCache's pair of keys: `…metadata` with 28 bytes, and `…kv_bytes`. It proves nothing.
    case lmcache

    static let recordSuffix = Array("record".utf8)
    static let metadataSuffix = Array("metadata".utf8)
    static let bytesSuffix = Array("kv_bytes".utf8)

    /// The key that says whether a value is there.
    func presenceKey(_ key: StorageKey) -> StorageKey {
        StorageKey(key.bytes + presenceSuffix)
    }

    var presenceSuffix: [UInt8] {
        switch self {
        case .record: Self.recordSuffix
        case .lmcache: Self.metadataSuffix
        }
    }
}
