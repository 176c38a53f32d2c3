internal import Glibc
internal import RepriseCore
internal import RepriseRemote

/// A payload that costs next to nothing to vary: a fixed pattern with the key's number at the start of every
/// page.
internal struct StampedPayload: ~Copyable {
    private static let pageByteCount = 4096

    private var buffer: TransferBuffer
    private let byteCount: Int

    /// Makes a payload of `byteCount` bytes, its pages touched.
    init(byteCount: Int) {
        self.byteCount = byteCount
        buffer = TransferBuffer(byteCapacity: byteCount)
        BlockContent(id: 0, byteCount: byteCount).fill(&buffer)
    }

    /// Stores the payload, as last stamped, and returns whether the node has kept it.
    func put(_ key: StorageKey, over connection: inout NodeConnection) throws(RemoteError) -> Bool {
        try connection.put(key, buffer.prefix(byteCount))
    }

    /// Writes a key's number, mixed with the page's, to the start of every page; a last page under 8 bytes is
    /// left alone.
    mutating func stamp(_ number: UInt64) {
        let byteCount = byteCount
        var bytes = buffer.mutablePrefix(byteCount)
        var offset = 0
        while offset + 8 <= byteCount {
            bytes.storeBytes(of: number << 24 ^ UInt64(offset), toByteOffset: offset, as: UInt64.self)
            offset += StampedPayload.pageByteCount
        }
    }

    /// How many of the received bytes differ from the payload; bytes that are missing or too many count as
    /// well.
    func wrongByteCount(in received: RawSpan) -> Int {
        let common = min(received.byteCount, byteCount)
        let excess = max(received.byteCount, byteCount) - common
        guard common > 0 else { return excess }
        // SAFETY: both views have at least `common` bytes, and are only read.
        let wrong = unsafe received.withUnsafeBytes { received in
            unsafe buffer.prefix(common).withUnsafeBytes { expected in
                if unsafe memcmp(received.baseAddress!, expected.baseAddress!, common) == 0 { return 0 }
                return (0..<common).count { unsafe received[$0] != expected[$0] }
            }
        }
        return excess + wrong
    }
}
