internal import RepriseCore
internal import RepriseWire

extension LMConnection {
    /// Stores an object, and waits until the server has it.
    ///
    /// The protocol has no reply to a put, so the question whether the key is there goes with it.
    ///
    /// - Throws: ``RemoteError``; `rejected` when the server did not keep the value, `invalidArgument` for an
    ///   element type that lm cannot name.
    mutating func put(_ key: StorageKey, _ object: MemoryObject) throws(RemoteError) {
        let question = try encode(.exist, key)
        if let dtype = object.metadata.dtype, dtype.wireCode == nil {
            throw RemoteError(.invalidArgument, "the lm protocol has no number for \(dtype.keyWord)")
        }
        try put(key, object.bytes, metadata: object.metadata)
        try send(question)
        guard try receiveAnswer() else {
            throw RemoteError(.rejected, "the server did not keep the value; it has no room, or not for one")
        }
    }

    /// Fetches a value into memory that it is given.
    ///
    /// - Throws: ``RemoteError``. A value for which there is no memory closes the connection.
    mutating func get(_ key: StorageKey, _ allocate: RemoteAllocation) throws(RemoteError) -> RemoteValue {
        try send(try encode(.get, key))
        return try receiveValue(allocate)
    }

    /// Fetches values in the keys' order; all requests leave before the first reply is received: they are too
    /// few bytes to wait for each other.
    ///
    /// - Parameter onValue: Takes each value as it comes; after one for which there is no memory the
    ///   connection is closed, and the rest is not asked for.
    mutating func get(
        _ keys: [StorageKey],
        _ allocate: RemoteAllocation,
        onValue: (_ index: Int, _ value: RemoteValue) -> Void
    ) throws(RemoteError) {
        var requests: [UInt8] = []
        for key in keys { requests += try encode(.get, key) }
        try send(requests)
        for index in keys.indices {
            let value = try receiveValue(allocate)
            onValue(index, value)
            if case .outOfMemory = value { return }
        }
    }

    private mutating func receiveValue(_ allocate: RemoteAllocation) throws(RemoteError) -> RemoteValue {
        let header = try receiveHeader()
        guard header.code == .success else { return .absent }
        try checkShape(header)
        // A node hands on to its own clients what the other one said, to the number.
        let metadata = isPeer ? header.metadata : header.metadata.inLibrary
        guard let object = allocate(header.payloadByteCount, metadata) else {
            close()
            return .outOfMemory
        }
        do {
            try receive(into: object)
        } catch {
            object.release()
            throw error
        }
        return .found(object)
    }

    /// Whether each key is stored, asked for in one go.
    mutating func exists(_ keys: [StorageKey]) throws(RemoteError) -> [Bool] {
        var found = [Bool](repeating: false, count: keys.count)
        var scratch = TransferBuffer(byteCapacity: 0)
        try pipeline(.exist, keys, into: &scratch) { index, reply, _ in found[index] = reply != nil }
        return found
    }
}

extension MemoryObjectMetadata {
    /// The same, as a value's maker would say it: typed, and without the padding of four dimensions.
    var inLibrary: MemoryObjectMetadata {
        guard origin == .lm, let format else { return self }
        if format == .binaryBuffer { return .plain(byteCount: Int(shape.padded[0])) }
        guard let dtype = DType(wireCode: dtypeCode) else { return self }
        var dimensions = shape.dimensions
        while dimensions.count > 1, dimensions.last == 0 { dimensions.removeLast() }
        guard dimensions.allSatisfy({ $0 >= 0 }) else { return self }
        return MemoryObjectMetadata(shape: TensorShape(dimensions), dtype: dtype, format: format)
    }
}
