internal import RepriseCore
public import RepriseHashing

/// Stores and finds the keys and values of prompts: tokens in, bytes out.
///
/// A prompt is cut into chunks whose hashes cover all tokens before them (``ChunkedTokenDatabase``); a chunk
/// is one value of a ``StorageManager``, and a ``KVConnector`` moves it to and from the inference engine.
/// Only prefixes are found: the first chunk that is missing ends a retrieval. A chunk that is stored is not
/// stored again.
///
/// Calls block while backends do I/O, and trap inside a Swift task where they would.
///
/// - Source: LMCache `lmcache/v1/cache_engine.py`.
public final class CacheEngine<Connector: KVConnector>: Sendable {
    /// Turns tokens into keys.
    public let tokens: ChunkedTokenDatabase
    /// Where the values are.
    public let storage: StorageManager
    /// Moves them.
    public let connector: Connector

    /// What a store came to.
    public struct StoreReport: Hashable, Sendable {
        /// Tokens of chunks that were stored now.
        public internal(set) var storedTokenCount = 0
        /// Tokens of chunks that were there.
        public internal(set) var presentTokenCount = 0
        /// Whether there was no memory for a chunk: it, and those behind it, were not stored.
        public internal(set) var hasRunOut = false
    }

    /// Creates an engine.
    public init(tokens: ChunkedTokenDatabase, storage: StorageManager, connector: Connector) {
        self.tokens = tokens
        self.storage = storage
        self.connector = connector
    }

    /// Stores the chunks of a prompt that are not stored, from head to tail.
    ///
    /// - Parameter falseCount: Tokens at the start, whole chunks, that are left out.
    /// - Throws: `tokens` for a mask that does not end at a chunk or tokens out of range; `storage` when a
    ///   chunk can never fit, or the placement does not have the tokens. What was stored before stays.
    @discardableResult
    public func store(
        _ prompt: TokenArray,
        skippingFirst falseCount: Int = 0,
        at placement: Connector.Placement
    ) throws(EngineError) -> StoreReport {
        var report = StoreReport()
        let chunks = Array(try chunks(prompt, falseCount))
        let keys = chunks.map(\.key.storageKey)
        // Also on the way out by an error: what was stored before it stays.
        defer { storage.touch(keys[...]) }
        for (index, isThere) in storage.presence(of: keys).enumerated() {
            let range = chunks[index].range
            if isThere {
                report.presentTokenCount += range.count
                continue
            }
            guard let object = try allocate(connector.metadata(tokenCount: range.count)) else {
                report.hasRunOut = true
                break
            }
            defer { object.release() }
            try perform { () throws(StorageError) in
                try connector.gather(range, of: placement, into: object)
            }
            storage.put(keys[index], object)
            report.storedTokenCount += range.count
        }
        return report
    }

    /// Copies the chunks of a prompt that are stored to where a request has it, up to the first that is not.
    ///
    /// Chunks are got many at a time, as far as they take a part of the memory
    /// (``StorageManagerLimits/retrievedFractionDivisor``).
    ///
    /// - Parameter falseCount: Tokens at the start, whole chunks, that the request has already.
    /// - Returns: Which tokens were copied now: those of the mask, then a run of `true`, then `false`.
    /// - Throws: as ``store(_:skippingFirst:at:)``; what was copied before stays.
    public func retrieve(
        _ prompt: TokenArray,
        skippingFirst falseCount: Int = 0,
        to placement: Connector.Placement
    ) throws(EngineError) -> [Bool] {
        var mask = [Bool](repeating: false, count: prompt.count)
        var used: [StorageKey] = []
        // From tail to head, so that a prefix is evicted from its tail.
        defer { storage.touch(used[...]) }
        var chunks = try chunks(prompt, falseCount).makeIterator()
        while true {
            let window = nextWindow(&chunks)
            if window.isEmpty { break }
            let objects = storage.batchedGet(window.map(\.key.storageKey))
            defer { for object in objects { object.release() } }
            for (chunk, object) in zip(window, objects) {
                guard try copy(object, of: chunk, to: placement) else { return mask }
                for token in chunk.range { mask[token] = true }
                used.append(chunk.key.storageKey)
            }
            if objects.count < window.count { break }
        }
        return mask
    }

    /// The next chunks, as many as are got together.
    private func nextWindow(_ chunks: inout KeyedChunks.Iterator) -> [KeyedChunk] {
        let byteCountMax = storage.memory.pool.capacityByteCount / storage.limits.retrievedFractionDivisor
        var window: [KeyedChunk] = []
        var byteCount = 0
        while window.count < storage.limits.retrievedCountMax, byteCount < byteCountMax,
            let chunk = chunks.next()
        {
            window.append(chunk)
            byteCount += connector.metadata(tokenCount: chunk.range.count).tensorByteCount ?? 0
        }
        return window
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

    /// How many leading tokens of a prompt are stored, whole chunks and what is left of the last.
    ///
    /// - Parameters:
    ///   - names: Ask only the backends with these names.
    ///   - id: Pin what is found until ``StorageManager/unpin(_:)`` is called with this.
    public func lookup(
        _ prompt: TokenArray,
        in names: Set<String>? = nil,
        pinningAs id: LookupID? = nil
    ) throws(EngineError) -> Int {
        let found = Array(try chunks(prompt, 0))
        let count = storage.lookup(found.map(\.key.storageKey), in: names, pinningAs: id)
        return count == 0 ? 0 : found[count - 1].range.upperBound
    }

    /// Begins to bring the chunks of a prompt into memory; how many are on their way or there.
    @discardableResult
    public func prefetch(_ prompt: TokenArray) throws(EngineError) -> Int {
        storage.prefetch(prefixOf: try chunks(prompt, 0).map(\.key.storageKey))
    }

    /// Removes the chunks of a prompt, or everything, everywhere or from the backends with these names; how
    /// many chunks were removed.
    @discardableResult
    public func clear(_ prompt: TokenArray? = nil, from names: Set<String>? = nil) throws(EngineError) -> Int
    {
        guard let prompt else { return storage.clear(names) }
        return try chunks(prompt, 0).reduce(0) {
            $0 + (storage.remove($1.key.storageKey, from: names) > 0 ? 1 : 0)
        }
    }

    /// Closes the backends; calling it again does nothing.
    public func close() { storage.close() }

    private func chunks(_ prompt: TokenArray, _ falseCount: Int) throws(EngineError) -> KeyedChunks {
        do throws(HashingError) {
            return try tokens.processTokens(prompt, skippingFirst: falseCount)
        } catch {
            throw .tokens(error)
        }
    }

    private func allocate(_ metadata: MemoryObjectMetadata) throws(EngineError) -> MemoryObject? {
        do throws(StorageError) {
            return try storage.allocate(metadata)
        } catch {
            throw .storage(error)
        }
    }

    private func perform(_ body: () throws(StorageError) -> Void) throws(EngineError) {
        do throws(StorageError) {
            try body()
        } catch {
            throw .storage(error)
        }
    }
}
