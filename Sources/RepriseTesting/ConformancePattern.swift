import RepriseCore

/// Bytes that say which key and version they belong to, so that a torn or foreign byte is noticed.
enum ConformancePattern {
    /// The bytes of one version of a key.
    static func bytes(key: StorageKey, version: Int, count: Int) -> [UInt8] {
        // Not the key's fingerprint, whose secret differs between processes.
        let seed = key.bytes.reduce(UInt64(version)) { ($0 &* 0x100_0000_01B3) ^ UInt64($1) }
        var generator = SeededGenerator(seed: seed)
        var block: [UInt8] = []
        for word in [UInt64(truncatingIfNeeded: version)] + (0..<31).map({ _ in generator.next() }) {
            for shift in stride(from: 0, to: 64 as UInt64, by: 8) {
                block.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        // Repeated, because a test build makes single bytes slowly.
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + block.count)
        while bytes.count < count { bytes += block }
        return Array(bytes[..<count])
    }

    /// The version that an object's bytes, at least 8, say they are, or `nil` when they are not of `key`.
    static func version(of object: MemoryObject, key: StorageKey) -> Int? {
        let found = [UInt8](copying: object.bytes)
        guard found.count >= 8 else { return nil }
        let version = Int(truncatingIfNeeded: found.rawSpan.loadLittleEndian(at: 0, as: UInt64.self))
        return found == bytes(key: key, version: version, count: found.count) ? version : nil
    }
}
