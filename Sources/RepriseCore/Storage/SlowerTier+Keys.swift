// SAFETY, whole file: references to keys are not kept beyond the closures that they are given to.

extension SlowerTier {
    /// `false`, for tiers that know what they have.
    package func mayBeElsewhere(_ key: KeyReference) -> Bool { false }

    /// Whether a key is stored; not a use.
    package func isStored(_ key: StorageKey) -> Bool { unsafe key.withReference { unsafe find($0) } != nil }

    /// All keys, in no order; those that come or go meanwhile may be missed.
    package var scannedKeys: [StorageKey] {
        var keys: [StorageKey] = []
        var cursor: UInt64 = 0
        repeat {
            let (found, next) = scan(from: cursor, count: StoreBatch.coldKeyCountMax)
            keys += found
            cursor = next
        } while cursor != 0
        return keys
    }
}
