internal import RepriseCore
public import RepriseHashing

extension CacheEngine {
    /// Copies the chunks of a prompt that are stored to where a request has it: up to the first that is not,
    /// or with segments every one that is.
    ///
    /// Chunks are got many at a time, within ``StorageManagerLimits``.
    ///
    /// - Parameters:
    ///   - falseCount: Tokens at the start, whole chunks, that the request has already.
    ///   - placement: Where the request has the prompt, from its first token on.
    /// - Returns: Which tokens were copied now. With a ``ChunkedTokenDatabase`` those left out are `false`,
    ///   then comes a run of `true`, then `false`.
    /// - Throws: as ``store(_:skippingFirst:at:)``; what was copied before stays.
    public func retrieve(
        _ prompt: TokenArray,
        skippingFirst falseCount: Int = 0,
        to placement: Connector.Placement
    ) throws(EngineError) -> [Bool] {
        var chunks = try allChunks(prompt, skippingFirst: falseCount).makeIterator()
        var mask = [Bool](repeating: false, count: prompt.count)
        var used: [StorageKey] = []
        defer {
            // From tail to head, so that a prefix is evicted from its tail.
            storage.touch(used[...])
            counters.withLock { $0.addRetrieval(mask, skippingFirst: falseCount) }
        }
        while true {
            let window = nextWindow(&chunks, skippingFirst: falseCount, &used)
            if window.isEmpty { break }
            let objects = get(window)
            defer { for object in objects { object?.release() } }
            for (chunk, object) in zip(window, objects) {
                guard let object, try copy(object, of: chunk, to: placement) else {
                    if tokens.isPrefixBound { return mask }
                    continue
                }
                mask.set(chunk.range)
                used.append(chunk.key.storageKey)
            }
        }
        return mask
    }

    /// Copies the chunks that are stored of the tokens that a mask does not leave out.
    ///
    /// - Parameter mask: One value a token: `false` for some whole chunks at the start, then `true`.
    /// - Returns: as ``retrieve(_:skippingFirst:to:)``.
    /// - Throws: as ``retrieve(_:skippingFirst:to:)``, and `tokens` with `invalidMask` for a mask of another
    ///   length or form.
    public func retrieve(
        _ prompt: TokenArray,
        mask: [Bool],
        to placement: Connector.Placement
    ) throws(EngineError) -> [Bool] {
        try retrieve(prompt, skippingFirst: try falseCount(of: mask, prompt), to: placement)
    }

    /// The next chunks, as many as are got together; those that are left out count as used.
    private func nextWindow(
        _ chunks: inout KeyedChunks.Iterator,
        skippingFirst falseCount: Int,
        _ used: inout [StorageKey]
    ) -> [KeyedChunk] {
        let byteCountMax = storage.retrievedByteCountMax
        var window: [KeyedChunk] = []
        var byteCount = 0
        while window.count < storage.limits.retrievedCountMax, byteCount < byteCountMax,
            let chunk = chunks.next()
        {
            guard chunk.range.lowerBound >= falseCount else {
                used.append(chunk.key.storageKey)
                continue
            }
            window.append(chunk)
            byteCount += connector.metadata(tokenCount: chunk.range.count).tensorByteCount ?? 0
        }
        return window
    }

    /// The objects of chunks, as far as they are of use, with references for the caller.
    private func get(_ window: [KeyedChunk]) -> [MemoryObject?] {
        let keys = window.map(\.key.storageKey)
        guard tokens.isPrefixBound else { return storage.batchedGetEach(keys) }
        let objects = storage.batchedGet(keys)
        return objects + [MemoryObject?](repeating: nil, count: keys.count - objects.count)
    }

    /// Copies a chunk to its place; `false` when the object is none of this engine's.
    private func copy(
        _ object: MemoryObject,
        of chunk: KeyedChunk,
        to placement: Connector.Placement
    ) throws(EngineError) -> Bool {
        // What another engine has stored with another layout is no value for this one.
        guard object.metadata == connector.metadata(tokenCount: chunk.range.count) else { return false }
        try perform { () throws(StorageError) in
            try connector.scatter(object, to: chunk.range, of: placement)
        }
        return true
    }
}
