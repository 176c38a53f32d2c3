extension CacheEngineKey: CustomStringConvertible {
    /// The key's text in its form, as UTF-8.
    ///
    /// There is no limit here; wires that carry at most 150 bytes check it themselves.
    ///
    /// - Complexity: O(bytes); one allocation.
    public var textBytes: [UInt8] {
        var bytes: [UInt8] = []
        let hashByteCountGuess = 2 * ChunkDigest.byteCount + 8
        bytes.reserveCapacity(scope.head.count + scope.middle.count + scope.tail.count + hashByteCountGuess)
        bytes.append(contentsOf: scope.head)
        chunkHash.append(to: &bytes)
        bytes.append(contentsOf: scope.middle)
        if let layerID {
            bytes.append(KeyText.at)
            bytes.append(contentsOf: String(layerID).utf8)
        }
        bytes.append(contentsOf: scope.tail)
        return bytes
    }

    /// The key's text in its form.
    public var text: String { String(decoding: textBytes, as: UTF8.self) }

    /// Same as ``text``.
    public var description: String { text }

    /// The key as backends see it.
    public var storageKey: StorageKey { StorageKey(textBytes) }
}
