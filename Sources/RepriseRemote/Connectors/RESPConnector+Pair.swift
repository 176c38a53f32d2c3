internal import RepriseCore
internal import RepriseWire

// LMCache's pair of keys.
extension RESPConnector {
    func getPair(
        _ key: StorageKey,
        _ allocate: RemoteAllocation
    ) throws(RemoteError) -> RemoteValue {
        let metadataKey = layout.presenceKey(key)
        let bytesKey = StorageKey(key.bytes + RemoteLayout.bytesSuffix)
        let described = try route.perform(for: metadataKey) { (stream) throws(RemoteError) in
            try stream.getBytes(metadataKey, limit: RemoteMetadata.byteCount(groupCount: 1))
        }
        guard let described else { return .absent }
        guard let remote = try? RemoteMetadata.decode(described.rawSpan),
            described.count == RemoteMetadata.byteCount(groupCount: 1)
        else { return .corrupt }
        let metadata = remote.objectMetadata
        let value = try route.perform(for: bytesKey) { (stream) throws(RemoteError) in
            try stream.getObject(bytesKey, byteCount: remote.payloadByteCount, metadata, allocate)
        }
        // Half of a pair is what eviction may leave; the next lookup is not to find it.
        if case .absent = value {
            _ = try route.perform(for: metadataKey) { (stream) throws(RemoteError) in
                try stream.remove(metadataKey)
            }
        }
        return value
    }

    func putPair(_ key: StorageKey, _ object: MemoryObject) throws(RemoteError) {
        let metadataKey = layout.presenceKey(key)
        let bytesKey = StorageKey(key.bytes + RemoteLayout.bytesSuffix)
        let described: [UInt8]
        do throws(WireError) {
            described = try RemoteMetadata(object).encoded()
        } catch {
            throw RemoteError(.invalidArgument, error.message)
        }
        // The bytes first: whoever finds the metadata finds them, too.
        try route.perform(for: bytesKey) { (stream) throws(RemoteError) in
            let bytes = object.bytes
            try stream.put(bytesKey, bytes)
        }
        try route.perform(for: metadataKey) { (stream) throws(RemoteError) in
            let bytes = described
            try stream.put(metadataKey, bytes.rawSpan)
        }
    }
}
