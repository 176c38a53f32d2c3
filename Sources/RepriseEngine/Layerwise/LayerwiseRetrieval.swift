internal import RepriseCore
public import RepriseHashing

/// Retrieves a prompt layer by layer; while the inference engine computes with one, the next is fetched.
///
/// A chunk counts as stored when all its layers are: that is found out at the start, and what is found is
/// pinned until the end. A chunk of which a layer is lost all the same is taken out of ``mask``, and with a
/// ``ChunkedTokenDatabase`` all chunks behind it: what of them was copied before is of no use.
///
/// For one thread at a time. References and pins are given back when the object goes, wherever it was.
///
/// - Source: LMCache `lmcache/v1/cache_engine.py` (`retrieve_layer`).
public final class LayerwiseRetrieval<Connector: LayerwiseKVConnector> {
    private let engine: CacheEngine<Connector>
    private let placement: Connector.Placement
    private let pinID = LookupID.unique()
    private var chunks: [LayeredChunk] = []
    private var order: LayerOrder
    private var ahead: FetchAhead?
    private var falseCount = 0
    /// The keys of chunks that the request has already.
    private var skippedKeys: [StorageKey] = []
    /// Which tokens are being retrieved; all `false` when nothing was found.
    public private(set) var mask: [Bool]

    init(_ engine: CacheEngine<Connector>, tokenCount: Int, to placement: Connector.Placement) {
        self.engine = engine
        self.placement = placement
        mask = [Bool](repeating: false, count: tokenCount)
        order = LayerOrder(layerCount: engine.connector.layerCount)
    }

    deinit {
        ahead?.abandon()
        engine.storage.unpin(pinID)
    }

    private var storage: StorageManager { engine.storage }

    /// Finds the chunks of which all layers are stored.
    func begin(_ prompt: TokenArray, skippingFirst falseCount: Int) throws(EngineError) {
        let parts = try engine.layeredChunks(prompt, skippingFirst: falseCount)
        skippedKeys = parts.filter { $0.tokens.lowerBound < falseCount }.flatMap(\.keys)
        var all = parts.filter { $0.tokens.lowerBound >= falseCount }
        self.falseCount = falseCount
        if !engine.tokens.isPrefixBound {
            all = zip(all, engine.layerPresence(of: all)).filter { !$0.1.contains(false) }.map(\.0)
        }
        let keyCount = storage.lookup(all.flatMap(\.keys), pinningAs: pinID)
        chunks = Array(all.prefix(keyCount / order.layerCount))
        for chunk in chunks { mask.set(chunk.tokens) }
        fetchAhead()
    }

    /// Copies the next layer to where the request has its tokens; on an error it may be loaded again.
    ///
    /// - Throws: `layers` when it is not the next, or the retrieval is finished; `storage` when the placement
    ///   does not have the tokens.
    public func load(layer: Int) throws(EngineError) {
        try order.check(layer)
        if let fetched = ahead {
            ahead = nil
            try copy(fetched.take(), of: chunks.indices, layer)
        } else {
            var start = 0
            while start < chunks.count, !engine.tokens.isPrefixBound || isWanted(start) {
                let window = start..<min(start + windowCount, chunks.count)
                try copy(get(layer, window), of: window, layer)
                start = window.upperBound
            }
        }
        chunks = chunks.indices.filter(isWanted).map { chunks[$0] }
        order.advance()
        fetchAhead()
    }

    /// Ends the retrieval.
    ///
    /// - Returns: Which tokens were copied now, in all layers.
    /// - Throws: `layers` when something was found and not all layers are loaded, or it was finished before.
    @discardableResult
    public func finish() throws(EngineError) -> [Bool] {
        try order.finish(needsAll: !chunks.isEmpty)
        storage.unpin(pinID)
        storage.touch((skippedKeys + chunks.flatMap(\.keys))[...])
        engine.counters.withLock { $0.addRetrieval(mask, skippingFirst: falseCount) }
        return mask
    }
}

extension LayerwiseRetrieval {
    /// How many chunks of a layer are got together.
    private var windowCount: Int {
        let byteCount = chunks.map { layout(of: $0).tensorByteCount ?? 0 }.max() ?? 0
        return max(
            1,
            min(storage.retrievedByteCountMax / max(1, byteCount), storage.limits.retrievedCountMax)
        )
    }

    private func layout(of chunk: LayeredChunk) -> MemoryObjectMetadata {
        engine.connector.layerMetadata(tokenCount: chunk.tokens.count)
    }

    private func keys(_ layer: Int, _ window: Range<Int>) -> [StorageKey] {
        chunks[window].map { $0.keys[layer] }
    }

    private func get(_ layer: Int, _ window: Range<Int>) -> [MemoryObject?] {
        Self.get(keys(layer, window), from: storage, isPrefixBound: engine.tokens.isPrefixBound)
    }

    private static func get(
        _ keys: [StorageKey],
        from storage: StorageManager,
        isPrefixBound: Bool
    ) -> [MemoryObject?] {
        isPrefixBound ? storage.batchedGet(keys) : storage.batchedGetEach(keys)
    }

    /// Copies what was got of some chunks, and drops those of which nothing was.
    private func copy(_ objects: [MemoryObject?], of window: Range<Int>, _ layer: Int) throws(EngineError) {
        defer { for object in objects { object?.release() } }
        for (offset, index) in window.enumerated() {
            let chunk = chunks[index]
            guard isWanted(index) else { continue }
            guard offset < objects.count, let object = objects[offset], object.metadata == layout(of: chunk)
            else {
                drop(index)
                continue
            }
            try engine.perform { () throws(StorageError) in
                try engine.connector.scatter(object, layer: layer, to: chunk.tokens, of: placement)
            }
        }
    }

    /// Whether a chunk has lost no layer.
    private func isWanted(_ index: Int) -> Bool { mask[chunks[index].tokens.lowerBound] }

    /// A chunk has lost a layer.
    private func drop(_ index: Int) {
        let last = engine.tokens.isPrefixBound ? chunks.count - 1 : index
        for chunk in chunks[index...last] { for token in chunk.tokens { mask[token] = false } }
    }

    /// Begins to get the next layer, if it can be held as a whole.
    private func fetchAhead() {
        guard !order.isComplete, !chunks.isEmpty, chunks.count <= windowCount else { return }
        let keys = keys(order.next, chunks.indices)
        let found = storage.memory.batchedGetBlocking(keys)
        if found.count == keys.count {
            ahead = FetchAhead(found)
            return
        }
        for object in found { object.release() }
        let fetched = FetchAhead()
        let isPrefixBound = engine.tokens.isPrefixBound
        let isQueued = storage.prefetches.submit { [weak storage] in
            fetched.end(storage.map { Self.get(keys, from: $0, isPrefixBound: isPrefixBound) } ?? [])
        }
        if isQueued { ahead = fetched }
    }
}

extension CacheEngine where Connector: LayerwiseKVConnector {
    /// Begins to retrieve a prompt layer by layer; ``LayerwiseRetrieval/load(layer:)`` follows for each of
    /// them, and ``LayerwiseRetrieval/finish()``.
    ///
    /// - Parameters:
    ///   - falseCount: Tokens at the start, whole chunks, that the request has already.
    ///   - placement: Where the request has the prompt, from its first token on.
    /// - Throws: `tokens` as ``retrieve(_:skippingFirst:to:)``; `key` when layers have no keys in this form.
    public func retrieveLayers(
        _ prompt: TokenArray,
        skippingFirst falseCount: Int = 0,
        to placement: Connector.Placement
    ) throws(EngineError) -> LayerwiseRetrieval<Connector> {
        let retrieval = LayerwiseRetrieval(self, tokenCount: prompt.count, to: placement)
        try retrieval.begin(prompt, skippingFirst: falseCount)
        return retrieval
    }
}
