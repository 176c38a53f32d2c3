internal import RepriseCore

/// How a lookup directory lies in Redis or Valkey; docs/REMOTE.md § 5.
///
/// - For each key a set of its holders, which expires some time after the last one has noted it.
/// - For each holder a key that expires with its heartbeat.
internal enum DirectoryLayout {
    private static let holdersPrefix = Array("reprise:holders:".utf8)
    private static let heartbeatPrefix = Array("reprise:heartbeat:".utf8)

    /// Where the holders of a key are.
    static func holdersKey(_ key: StorageKey) -> StorageKey { StorageKey(holdersPrefix + key.bytes) }

    /// Where the heartbeat of a holder is.
    static func heartbeatKey(_ holder: KeyHolder) -> StorageKey {
        StorageKey(heartbeatPrefix + Array(holder.description.utf8))
    }

    /// Notes a holder of a key.
    static func insertion(_ key: StorageKey, _ holder: KeyHolder, _ lifetime: Duration) -> [KeyedCommand] {
        let place = holdersKey(key)
        return [
            KeyedCommand("SADD", place, Array(holder.description.utf8)),
            KeyedCommand("PEXPIRE", place, milliseconds(lifetime)),
        ]
    }

    /// Removes a holder of a key.
    static func removal(_ key: StorageKey, _ holder: KeyHolder) -> KeyedCommand {
        KeyedCommand("SREM", holdersKey(key), Array(holder.description.utf8))
    }

    /// Asks for the holders of a key.
    static func question(_ key: StorageKey) -> KeyedCommand { KeyedCommand("SMEMBERS", holdersKey(key)) }

    /// Asks whether a holder is alive.
    static func isAlive(_ holder: KeyHolder) -> KeyedCommand {
        KeyedCommand("EXISTS", heartbeatKey(holder))
    }

    /// Says that a holder is alive.
    static func heartbeat(_ holder: KeyHolder, _ lifetime: Duration) -> KeyedCommand {
        KeyedCommand(
            "SET",
            heartbeatKey(holder),
            Array("1".utf8),
            Array("PX".utf8),
            milliseconds(lifetime)
        )
    }

    /// Says that a holder is alive no more.
    static func end(_ holder: KeyHolder) -> KeyedCommand { KeyedCommand("DEL", heartbeatKey(holder)) }

    private static func milliseconds(_ duration: Duration) -> [UInt8] {
        Array(String(max(1, Int64(duration / .milliseconds(1)))).utf8)
    }
}
