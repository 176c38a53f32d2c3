internal import RepriseCore
internal import RepriseHashing

/// A chunk of a prompt with a key for each layer.
struct LayeredChunk {
    let tokens: Range<Int>
    let keys: [StorageKey]
}

extension CacheEngine where Connector: LayerwiseKVConnector {
    /// All chunks of a prompt with the keys of their layers, those of its first tokens, too.
    ///
    /// - Throws: as if they were left out.
    func layeredChunks(
        _ prompt: TokenArray,
        skippingFirst falseCount: Int
    ) throws(EngineError) -> [LayeredChunk] {
        precondition(connector.layerCount > 0, "a model has layers")
        var found: [LayeredChunk] = []
        for chunk in try allChunks(prompt, skippingFirst: falseCount) {
            do throws(KeyError) {
                let keys = try chunk.key.splitLayers(connector.layerCount).map(\.storageKey)
                found.append(LayeredChunk(tokens: chunk.range, keys: keys))
            } catch {
                throw .key(error)
            }
        }
        return found
    }

    /// Which layers of chunks are stored, with one question to each backend.
    func layerPresence(of chunks: [LayeredChunk]) -> [ArraySlice<Bool>] {
        let presence = storage.presence(of: chunks.flatMap(\.keys))
        return chunks.indices.map { presence[$0 * connector.layerCount..<($0 + 1) * connector.layerCount] }
    }
}
