internal import RepriseCore
public import RepriseHashing

/// Stores and finds the keys and values of prompts: tokens in, bytes out.
///
/// A prompt is cut into chunks by a ``TokenDatabase``; a chunk is one value of a ``StorageManager``, and a
/// ``KVConnector`` moves it to and from the inference engine. A chunk that is stored is not stored again.
///
/// **What is found.** With a ``ChunkedTokenDatabase`` a chunk's key stands for all tokens before it: only
/// prefixes are found, and the first chunk that is missing ends a retrieval. With a ``SegmentTokenDatabase``
/// each segment stands for itself: every one that is stored is retrieved, with holes where others are not.
///
/// Calls block while backends do I/O, and trap inside a Swift task where they would.
///
/// - Source: LMCache `lmcache/v1/cache_engine.py`.
public final class CacheEngine<Connector: KVConnector>: Sendable {
    /// Turns tokens into keys.
    public let tokens: any TokenDatabase
    /// Where the values are.
    public let storage: StorageManager
    /// Moves them.
    public let connector: Connector
    let counters = Lock(EngineStatistics())

    /// Creates an engine.
    public init(tokens: any TokenDatabase, storage: StorageManager, connector: Connector) {
        self.tokens = tokens
        self.storage = storage
        self.connector = connector
    }

    /// How many leading tokens of a prompt are stored: up to the end of the last chunk before the first that
    /// is missing. Separators between segments count.
    ///
    /// - Parameters:
    ///   - names: Ask only the backends with these names.
    ///   - id: Pin what is found until ``StorageManager/unpin(_:)`` is called with this.
    /// - Throws: `tokens` for tokens out of range.
    public func lookup(
        _ prompt: TokenArray,
        in names: Set<String>? = nil,
        pinningAs id: LookupID? = nil
    ) throws(EngineError) -> Int {
        let found = Array(try chunks(prompt))
        let count = storage.lookup(found.map(\.key.storageKey), in: names, pinningAs: id)
        let tokenCount = count == 0 ? 0 : found[count - 1].range.upperBound
        counters.withLock { $0.addLookup(of: prompt.count, found: tokenCount) }
        return tokenCount
    }

    /// Which tokens of a prompt are in chunks that are stored, whatever is missing between them.
    ///
    /// - Parameter names: Ask only the backends with these names.
    /// - Throws: `tokens` for tokens out of range.
    public func presence(_ prompt: TokenArray, in names: Set<String>? = nil) throws(EngineError) -> [Bool] {
        let found = Array(try chunks(prompt))
        var mask = [Bool](repeating: false, count: prompt.count)
        let presence = storage.presence(of: found.map(\.key.storageKey), in: names)
        for (chunk, isThere) in zip(found, presence) where isThere { mask.set(chunk.range) }
        return mask
    }

    /// Begins to bring what a retrieval would find into memory.
    ///
    /// - Returns: How many chunks are on their way or there.
    /// - Throws: `tokens` for tokens out of range.
    @discardableResult
    public func prefetch(_ prompt: TokenArray) throws(EngineError) -> Int {
        var keys = try chunks(prompt).map(\.key.storageKey)
        if !tokens.isPrefixBound { keys = zip(keys, storage.presence(of: keys)).filter(\.1).map(\.0) }
        return storage.prefetch(prefixOf: keys)
    }

    /// Removes the chunks of a prompt, or everything, everywhere or from the backends with these names.
    ///
    /// - Returns: How many chunks were removed.
    /// - Throws: `tokens` for tokens out of range.
    @discardableResult
    public func clear(_ prompt: TokenArray? = nil, from names: Set<String>? = nil) throws(EngineError) -> Int
    {
        guard let prompt else { return storage.clear(names) }
        return try chunks(prompt).reduce(0) {
            $0 + (storage.remove($1.key.storageKey, from: names) > 0 ? 1 : 0)
        }
    }

    /// Whether the backends do their work.
    public var health: StorageHealth { storage.health }

    /// What the engine was asked for, and what came of it.
    public var statistics: EngineStatistics { counters.withLock { $0 } }

    /// Closes the backends; calling it again does nothing.
    public func close() { storage.close() }

    /// The chunks of a prompt behind its first tokens.
    func chunks(_ prompt: TokenArray, skippingFirst falseCount: Int = 0) throws(EngineError) -> KeyedChunks {
        do throws(HashingError) {
            return try tokens.processTokens(prompt, skippingFirst: falseCount)
        } catch {
            throw .tokens(error)
        }
    }

    /// All chunks of a prompt, those of its first tokens, too: they are left out, but used with the others.
    ///
    /// - Throws: as if they were left out.
    func allChunks(
        _ prompt: TokenArray,
        skippingFirst falseCount: Int
    ) throws(EngineError) -> KeyedChunks {
        // Checks, and hashes nothing.
        _ = try chunks(prompt, skippingFirst: falseCount)
        return try chunks(prompt)
    }

    /// How many tokens a mask leaves out.
    func falseCount(of mask: [Bool], _ prompt: TokenArray) throws(EngineError) -> Int {
        do throws(HashingError) {
            return try prompt.falseCount(of: mask)
        } catch {
            throw .tokens(error)
        }
    }

    /// Calls what may fail as memory and placements do.
    func perform<Result>(_ body: () throws(StorageError) -> Result) throws(EngineError) -> Result {
        do throws(StorageError) {
            return try body()
        } catch {
            throw .storage(error)
        }
    }
}

extension [Bool] {
    /// Says `true` for tokens.
    mutating func set(_ tokens: Range<Int>) {
        for token in tokens { self[token] = true }
    }
}
