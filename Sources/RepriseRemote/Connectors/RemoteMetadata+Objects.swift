internal import RepriseCore
internal import RepriseWire

extension RemoteMetadata {
    /// What stands beside, or in front of, an object's bytes.
    init(_ object: MemoryObject) {
        let metadata = object.metadata
        let format = metadata.format ?? .binaryBuffer
        let dimensions = Array(metadata.shape.dimensions)
        self.init(
            payloadByteCount: object.byteCount,
            format: format,
            groups: [Group(dtype: metadata.dtype, shape: TensorShape(dimensions))]
        )
    }

    /// The same for an object in memory.
    var objectMetadata: MemoryObjectMetadata {
        guard format != .binaryBuffer, let group = groups.first else {
            return .plain(byteCount: payloadByteCount)
        }
        return MemoryObjectMetadata(shape: group.shape, dtype: group.dtype, format: format)
    }
}
