public import RepriseCore

/// Moves the keys and values of some tokens between an inference engine's own layout and an object.
///
/// In the role of LMCache's GPU connector (`lmcache/v1/gpu_connector.py`).
public protocol KVConnector: Sendable {
    /// Says where the tokens of one request lie in the engine's memory.
    associatedtype Placement

    /// The layout of an object that holds so many tokens.
    func metadata(tokenCount: Int) -> MemoryObjectMetadata

    /// Copies tokens of a request into an object of the layout for so many.
    ///
    /// - Throws: `invalidArgument` when the placement does not have these tokens.
    func gather(
        _ tokens: Range<Int>,
        of placement: Placement,
        into object: MemoryObject
    ) throws(StorageError)

    /// Copies an object of the layout for so many tokens to where a request has them.
    ///
    /// - Throws: as ``gather(_:of:into:)``.
    func scatter(
        _ object: MemoryObject,
        to tokens: Range<Int>,
        of placement: Placement
    ) throws(StorageError)
}
