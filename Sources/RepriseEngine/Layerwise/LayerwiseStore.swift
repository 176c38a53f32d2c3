internal import RepriseCore
public import RepriseHashing

/// Stores a prompt layer by layer, while the inference engine computes the next one.
///
/// Each chunk has a key for each layer, and counts as stored only when all of them are. Memory for all layers
/// of a chunk is taken at the start, or none. The layer of a chunk that was missing first is put last, by
/// ``finish()``: a store that is abandoned before leaves no chunk that looks complete, and its memory goes
/// back when the object goes.
///
/// For one thread at a time.
///
/// - Source: LMCache `lmcache/v1/cache_engine.py` (`store_layer`).
public final class LayerwiseStore<Connector: LayerwiseKVConnector> {
    private struct Chunk {
        let layered: LayeredChunk
        /// The layer that is put last, which nobody had at the start.
        let seal: Int
        /// What has not been put, for each layer.
        var objects: [MemoryObject?]
    }

    private let engine: CacheEngine<Connector>
    private let placement: Connector.Placement
    private var chunks: [Chunk] = []
    private var order: LayerOrder
    private var allKeys: [StorageKey] = []
    /// What the store has come to; nothing counts as stored before ``finish()``.
    public private(set) var report = StoreReport()

    init(_ engine: CacheEngine<Connector>, at placement: Connector.Placement) {
        self.engine = engine
        self.placement = placement
        order = LayerOrder(layerCount: engine.connector.layerCount)
    }

    deinit {
        for chunk in chunks { for object in chunk.objects { object?.release() } }
    }

    /// Tokens of the chunks that are being stored.
    public var pendingTokenCount: Int { chunks.reduce(0) { $0 + $1.layered.tokens.count } }

    /// Finds what is missing, and takes memory for it.
    func begin(_ prompt: TokenArray, skippingFirst falseCount: Int) throws(EngineError) {
        let all = try engine.layeredChunks(prompt, skippingFirst: falseCount)
        allKeys = all.flatMap(\.keys)
        var begun: Set<StorageKey> = []
        let wanted = all.filter { $0.tokens.lowerBound >= falseCount }
        for (chunk, presence) in zip(wanted, engine.layerPresence(of: wanted)) {
            // A segment may stand in a prompt more than once.
            guard let seal = presence.firstIndex(of: false), !begun.contains(chunk.keys[0]) else {
                report.presentTokenCount += chunk.tokens.count
                continue
            }
            guard let objects = try allocate(tokenCount: chunk.tokens.count) else {
                report.hasRunOut = true
                break
            }
            begun.insert(chunk.keys[0])
            chunks.append(Chunk(layered: chunk, seal: seal - presence.startIndex, objects: objects))
        }
    }

    /// Stores the next layer; on an error it may be stored again.
    ///
    /// - Throws: `layers` when it is not the next, or the store is finished; `storage` when the placement
    ///   does not have the tokens.
    public func store(layer: Int) throws(EngineError) {
        try order.check(layer)
        for chunk in chunks {
            guard let object = chunk.objects[layer] else { continue }
            try engine.perform { () throws(StorageError) in
                try engine.connector.gather(chunk.layered.tokens, layer: layer, of: placement, into: object)
            }
        }
        // From tail to head, as all that makes the head the most recent.
        for index in chunks.indices.reversed() where chunks[index].seal != layer { put(index, layer) }
        order.advance()
    }

    /// Makes the chunks complete.
    ///
    /// - Returns: What was stored, and what was there.
    /// - Throws: `layers` when not all layers are stored, or it was finished before.
    @discardableResult
    public func finish() throws(EngineError) -> StoreReport {
        try order.finish(needsAll: !chunks.isEmpty)
        for index in chunks.indices.reversed() {
            put(index, chunks[index].seal)
            report.storedTokenCount += chunks[index].layered.tokens.count
        }
        engine.storage.touch(allKeys[...])
        engine.counters.withLock { $0.add(report) }
        return report
    }

    private func put(_ index: Int, _ layer: Int) {
        guard let object = chunks[index].objects[layer] else { return }
        chunks[index].objects[layer] = nil
        engine.storage.put(chunks[index].layered.keys[layer], object)
        object.release()
    }

    /// Memory for all layers of so many tokens, or `nil`.
    private func allocate(tokenCount: Int) throws(EngineError) -> [MemoryObject]? {
        let metadata = engine.connector.layerMetadata(tokenCount: tokenCount)
        var objects: [MemoryObject] = []
        var isWhole = false
        defer { if !isWhole { for object in objects { object.release() } } }
        for _ in 0..<order.layerCount {
            let object = try engine.perform { () throws(StorageError) in
                try engine.storage.allocate(metadata)
            }
            guard let object else { return nil }
            objects.append(object)
        }
        isWhole = true
        return objects
    }
}

extension CacheEngine where Connector: LayerwiseKVConnector {
    /// Begins to store a prompt layer by layer; ``LayerwiseStore/store(layer:)`` follows for each of them,
    /// and ``LayerwiseStore/finish()``.
    ///
    /// - Parameters:
    ///   - falseCount: Tokens at the start, whole chunks, that are left out.
    ///   - placement: Where the request has the prompt, from its first token on.
    /// - Throws: `tokens` as ``store(_:skippingFirst:at:)``; `storage` when a layer of a chunk can never fit;
    ///   `key` when layers have no keys in this form.
    /// - Complexity: one batched question to each backend.
    public func storeLayers(
        _ prompt: TokenArray,
        skippingFirst falseCount: Int = 0,
        at placement: Connector.Placement
    ) throws(EngineError) -> LayerwiseStore<Connector> {
        let store = LayerwiseStore(self, at: placement)
        try store.begin(prompt, skippingFirst: falseCount)
        return store
    }
}
