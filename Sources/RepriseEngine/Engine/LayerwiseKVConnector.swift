public import RepriseCore

/// A connector that can move one layer of some tokens.
///
/// In the role of LMCache's layer-wise GPU connectors (`lmcache/v1/gpu_connector.py`).
public protocol LayerwiseKVConnector: KVConnector {
    /// Layers of the model; at least one.
    var layerCount: Int { get }

    /// The layout of an object that holds one layer of so many tokens.
    func layerMetadata(tokenCount: Int) -> MemoryObjectMetadata

    /// Copies what tokens of a request have in one layer, from 0, into an object of the layout for so many.
    ///
    /// - Throws: `invalidArgument` when the placement does not have these tokens, or the model no such layer.
    func gather(
        _ tokens: Range<Int>,
        layer: Int,
        of placement: Placement,
        into object: MemoryObject
    ) throws(StorageError)

    /// Copies an object of the layout for one layer of so many tokens to where a request has them.
    ///
    /// - Throws: as ``gather(_:layer:of:into:)``.
    func scatter(
        _ object: MemoryObject,
        layer: Int,
        to tokens: Range<Int>,
        of placement: Placement
    ) throws(StorageError)
}
