internal import RepriseCore
public import RepriseHashing

/// What a store came to.
public struct StoreReport: Hashable, Sendable {
    /// Tokens of chunks that were stored now.
    public internal(set) var storedTokenCount = 0
    /// Tokens of chunks that were there.
    public internal(set) var presentTokenCount = 0
    /// Whether there was no memory for a chunk: it, and those behind it, were not stored.
    public internal(set) var hasRunOut = false
}

extension CacheEngine {
    /// Stores the chunks of a prompt that are not stored, from head to tail.
    ///
    /// - Parameters:
    ///   - falseCount: Tokens at the start, whole chunks, that are left out.
    ///   - placement: Where the request has the prompt, from its first token on.
    /// - Throws: `tokens` for tokens that are left out and do not end at a chunk, or tokens out of range;
    ///   `storage` when a chunk can never fit, or the placement does not have the tokens. What was stored
    ///   before stays.
    /// - Complexity: one batched question to each backend, about the chunks that faster ones do not have.
    @discardableResult
    public func store(
        _ prompt: TokenArray,
        skippingFirst falseCount: Int = 0,
        at placement: Connector.Placement
    ) throws(EngineError) -> StoreReport {
        var report = StoreReport()
        let all = try allChunks(prompt, skippingFirst: falseCount)
        let chunks = all.map { (range: $0.range, key: $0.key.storageKey) }
        let first = chunks.firstIndex { $0.range.lowerBound >= falseCount } ?? chunks.count
        // A segment may stand in a prompt more than once.
        var stored: Set<StorageKey> = []
        defer {
            // Also on the way out by an error: what was stored before it stays.
            storage.touch(chunks.map(\.key)[...])
            counters.withLock { $0.add(report) }
        }
        let wanted = chunks[first...]
        for ((range, key), isThere) in zip(wanted, storage.presence(of: wanted.map(\.key))) {
            if isThere || stored.contains(key) {
                report.presentTokenCount += range.count
                continue
            }
            guard try store(range, under: key, at: placement) else {
                report.hasRunOut = true
                break
            }
            stored.insert(key)
            report.storedTokenCount += range.count
        }
        return report
    }

    /// Stores the chunks of the tokens that a mask does not leave out.
    ///
    /// - Parameter mask: One value a token: `false` for some whole chunks at the start, then `true`.
    /// - Throws: as ``store(_:skippingFirst:at:)``, and `tokens` with `invalidMask` for a mask of another
    ///   length or form.
    @discardableResult
    public func store(
        _ prompt: TokenArray,
        mask: [Bool],
        at placement: Connector.Placement
    ) throws(EngineError) -> StoreReport {
        try store(prompt, skippingFirst: try falseCount(of: mask, prompt), at: placement)
    }

    /// Stores one chunk; `false` when there is no memory for it.
    private func store(
        _ tokens: Range<Int>,
        under key: StorageKey,
        at placement: Connector.Placement
    ) throws(EngineError) -> Bool {
        let metadata = connector.metadata(tokenCount: tokens.count)
        let object = try perform { () throws(StorageError) in try storage.allocate(metadata) }
        guard let object else { return false }
        defer { object.release() }
        try perform { () throws(StorageError) in
            try connector.gather(tokens, of: placement, into: object)
        }
        storage.put(key, object)
        return true
    }
}
