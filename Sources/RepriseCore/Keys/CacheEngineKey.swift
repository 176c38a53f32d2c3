/// Names one chunk's keys and values, or one layer of them, of one worker of one model.
///
/// - Source: LMCache `lmcache/utils.py` (`CacheEngineKey`, `LayerCacheEngineKey`).
public struct CacheEngineKey: Hashable, Sendable {
    /// Everything but the chunk.
    public let scope: KeyScope
    /// The hash of the chunk and of everything before it.
    public let chunkHash: ChunkHash
    /// The layer, from 0, or `nil` for all layers together.
    public let layerID: Int?

    /// Creates a key.
    ///
    /// - Throws: ``KeyError`` — `invalidHash` if the current form gets a hash that is not lowercase
    ///   hexadecimal, `invalidLayer` for a negative layer, or for a layer in the legacy form beside a hash
    ///   that reads as a decimal number: its text could not be told from that of a key without a layer.
    public init(scope: KeyScope, chunkHash: ChunkHash, layerID: Int? = nil) throws(KeyError) {
        switch scope.form {
        case .current:
            guard chunkHash.isHexadecimal else {
                throw KeyError(
                    .invalidHash,
                    "the current form takes lowercase hexadecimal, not '\(chunkHash)'"
                )
            }
        case .legacy:
            guard layerID == nil || KeyText.decimal(Array(chunkHash.text.utf8)[...]) == nil else {
                throw KeyError(.invalidLayer, "a legacy layer key needs a hash that is no decimal number")
            }
        }
        guard layerID ?? 0 >= 0 else { throw KeyError(.invalidLayer, "layer \(layerID ?? 0) is negative") }
        self.init(scope: scope, computedHash: chunkHash, layerID: layerID)
    }

    /// Creates a key with a hash that is an integer or a digest; such a key without a layer is always valid.
    package init(scope: KeyScope, computedHash: ChunkHash, layerID: Int? = nil) {
        self.scope = scope
        chunkHash = computedHash
        self.layerID = layerID
    }

    /// In which form the key is written.
    public var form: KeyForm { scope.form }
    /// The model's name; may hold `@`.
    public var modelName: String { scope.modelName }
    /// How many workers share the model.
    public var worldSize: Int { scope.worldSize }
    /// Which of them computed the chunk, from 0.
    public var workerID: Int { scope.workerID }
    /// The request's tags, in order.
    public var tags: [KeyTag] { scope.tags }

    /// The key of one layer of this chunk.
    ///
    /// - Throws: ``KeyError`` `invalidLayer`, as ``init(scope:chunkHash:layerID:)`` does.
    public func layer(_ layerID: Int) throws(KeyError) -> CacheEngineKey {
        try CacheEngineKey(scope: scope, chunkHash: chunkHash, layerID: layerID)
    }

    /// The keys of layers 0 to `layerCount` - 1 of this chunk, in order.
    ///
    /// - Precondition: `layerCount` is not negative, or this traps.
    /// - Throws: ``KeyError`` `invalidLayer`, as ``layer(_:)`` does.
    public func splitLayers(_ layerCount: Int) throws(KeyError) -> [CacheEngineKey] {
        precondition(layerCount >= 0, "a negative number of layers")
        var keys: [CacheEngineKey] = []
        keys.reserveCapacity(layerCount)
        for layerID in 0..<layerCount {
            keys.append(try layer(layerID))
        }
        return keys
    }

    /// The key of all layers of this chunk together.
    public var withoutLayer: CacheEngineKey { CacheEngineKey(scope: scope, computedHash: chunkHash) }
}
