/// What an engine was asked for, and what came of it, since it was made.
///
/// Layer-wise stores and retrievals count when they are finished.
public struct EngineStatistics: Hashable, Sendable {
    /// Prompts that were stored.
    public internal(set) var storeCount: UInt64 = 0
    /// Tokens of chunks that were stored.
    public internal(set) var storedTokenCount: UInt64 = 0
    /// Tokens of chunks that were to be stored, and were there.
    public internal(set) var presentTokenCount: UInt64 = 0
    /// Stores that ended early, because there was no memory for a chunk.
    public internal(set) var ranOutCount: UInt64 = 0
    /// Prompts that were to be retrieved.
    public internal(set) var retrievalCount: UInt64 = 0
    /// Tokens that were to be retrieved.
    public internal(set) var requestedTokenCount: UInt64 = 0
    /// Tokens of them that were found and copied.
    public internal(set) var retrievedTokenCount: UInt64 = 0
    /// Prompts that were looked up.
    public internal(set) var lookupCount: UInt64 = 0
    /// Tokens that were looked up.
    public internal(set) var lookedUpTokenCount: UInt64 = 0
    /// Tokens of them that lookups found.
    public internal(set) var foundTokenCount: UInt64 = 0

    /// Which part of the tokens that were to be retrieved was; `nil` when none were.
    public var hitRate: Double? {
        requestedTokenCount == 0 ? nil : Double(retrievedTokenCount) / Double(requestedTokenCount)
    }

    /// Creates figures that are all zero.
    public init() {}

    mutating func add(_ report: StoreReport) {
        storeCount += 1
        storedTokenCount += UInt64(report.storedTokenCount)
        presentTokenCount += UInt64(report.presentTokenCount)
        if report.hasRunOut { ranOutCount += 1 }
    }

    mutating func addRetrieval(_ mask: [Bool], skippingFirst falseCount: Int) {
        retrievalCount += 1
        requestedTokenCount += UInt64(max(0, mask.count - falseCount))
        retrievedTokenCount += UInt64(mask.count { $0 })
    }

    mutating func addLookup(of tokenCount: Int, found: Int) {
        lookupCount += 1
        lookedUpTokenCount += UInt64(tokenCount)
        foundTokenCount += UInt64(found)
    }
}
