public import RepriseCore
internal import RepriseWire

extension RESPConnection {
    /// How many keys each step of a listing asks for; small enough not to hold up the server's other clients.
    public static let listStepKeyCount = 1000
    /// The most steps of a listing, so that a server whose cursor never ends is noticed.
    public static let listStepCountMax = 10_000_000

    /// Fetches all keys, in no particular order, by SCAN, which does not hold up the server's other clients.
    ///
    /// Keys that come or go meanwhile may be there or not.
    ///
    /// - Parameter limit: The most bytes of keys accepted.
    /// - Throws: ``RemoteError``; `tooLarge` over the limit, which leaves the connection open.
    public mutating func list(limit: Int = 1 << 31) throws(RemoteError) -> [StorageKey] {
        var cursor = Array("0".utf8)
        var keys: Set<StorageKey> = []
        var byteCount = 0
        for _ in 0..<RESPConnection.listStepCountMax {
            let step = try scan(cursor)
            for bytes in step.keys where keys.insert(StorageKey(bytes)).inserted { byteCount += bytes.count }
            guard byteCount <= limit else {
                throw RemoteError(.tooLarge, "more than \(limit) bytes of keys")
            }
            cursor = step.cursor
            if cursor == Array("0".utf8) { return Array(keys) }
        }
        throw violation("SCAN does not come to an end")
    }

    private mutating func scan(
        _ cursor: [UInt8]
    ) throws(RemoteError) -> (cursor: [UInt8], keys: [[UInt8]]) {
        let count = Array(String(RESPConnection.listStepKeyCount).utf8)
        let answer = try call([Array("SCAN".utf8), cursor, Array("COUNT".utf8), count])
        guard case .array(let parts) = answer, parts.count == 2, let next = parts[0].bytes,
            case .array(let values) = parts[1]
        else {
            throw violation("SCAN is answered by \(answer.kind) that is none of its forms")
        }
        let keys = values.compactMap(\.bytes)
        guard keys.count == values.count else { throw violation("a key that is no string") }
        return (next, keys)
    }
}
