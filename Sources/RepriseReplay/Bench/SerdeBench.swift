public import RepriseCore
public import RepriseRemote

/// Measures a serde: how many bytes it saves, how long it takes, and how far values come back from what they
/// were.
public struct SerdeBench: Sendable {
    /// What is turned there and back.
    public enum Source: Sendable {
        /// Numbers of a normal distribution, as keys and values roughly are, from this seed.
        case normal(seed: UInt64)
        /// A tensor's bytes, row-major.
        case bytes([UInt8])
    }

    /// What is measured.
    public var serde: any Serde
    /// The layout of the tensor: 16 or 32 bits an element.
    public var metadata: MemoryObjectMetadata
    /// What is in it.
    public var source: Source

    /// How often it is turned; the fastest time counts.
    private static let roundCount = 5

    /// Creates a benchmark.
    public init(serde: any Serde, metadata: MemoryObjectMetadata, source: Source) {
        self.serde = serde
        self.metadata = metadata
        self.source = source
    }

    /// Turns the tensor there and back.
    ///
    /// - Throws: `invalidArgument` for a layout of another element type, or bytes that are not its size;
    ///   `outOfMemory`, or what ``MemoryPool/init(_:)`` throws.
    public func run() throws(StorageError) -> SerdeResult {
        guard let byteCount = metadata.tensorByteCount, byteCount > 0, let dtype = metadata.dtype,
            [.float16, .bfloat16, .float32].contains(dtype)
        else {
            throw StorageError(.invalidArgument, "a tensor of float16, bfloat16 or float32 is measured")
        }
        // The tensor, what is stored, and what comes back.
        var configuration = MemoryPool.Configuration(byteCount: 4 * byteCount + 1 << 20)
        configuration.byteCountPopulatedFirst = configuration.byteCount
        let pool = try MemoryPool(configuration)
        let original = try pool.allocate(metadata)
        defer { original.release() }
        try fill(original, dtype)
        return try measure(original, dtype, pool)
    }

    private func fill(_ object: MemoryObject, _ dtype: DType) throws(StorageError) {
        switch source {
        case .bytes(let bytes):
            guard bytes.count == object.byteCount else {
                throw StorageError(
                    .invalidArgument,
                    "\(bytes.count) bytes; a tensor of shape \(metadata.shape) has \(object.byteCount)"
                )
            }
            object.copy(from: bytes.rawSpan)
        case .normal(let seed):
            var numbers = NormalNumbers(seed: seed)
            let bytes = TensorElements(dtype).bytes(object.byteCount / dtype.byteCount) { numbers.next() }
            object.copy(from: bytes.rawSpan)
        }
    }

    private func measure(_ original: MemoryObject, _ dtype: DType, _ pool: MemoryPool) throws(StorageError)
        -> SerdeResult
    {
        let allocate: RemoteAllocation = { byteCount, metadata in
            try? pool.allocate(byteCount: byteCount, metadata: metadata)
        }
        var result = SerdeResult(originalByteCount: original.byteCount)
        for round in 0..<Self.roundCount {
            let start = MonotonicTime.nanoseconds()
            guard let stored = serde.serialize(original, allocate) else { throw Self.noRoom }
            let middle = MonotonicTime.nanoseconds()
            defer { stored.release() }
            guard let value = serde.deserialize(stored, allocate) else { throw Self.noRoom }
            let end = MonotonicTime.nanoseconds()
            defer { value.release() }
            result.storedByteCount = stored.byteCount
            result.encodeNanoseconds = min(result.encodeNanoseconds, middle - start)
            result.decodeNanoseconds = min(result.decodeNanoseconds, end - middle)
            if round == 0 { result.error = TensorElements(dtype).error(original.bytes, value.bytes) }
        }
        return result
    }

    private static let noRoom = StorageError(.outOfMemory, "there is no memory for what the serde makes")
}

/// What a serde did to a tensor.
public struct SerdeResult: Hashable, Sendable {
    /// Bytes of the tensor.
    public internal(set) var originalByteCount: Int
    /// Bytes of what a store would keep.
    public internal(set) var storedByteCount = 0
    /// The fastest time there.
    public internal(set) var encodeNanoseconds = UInt64.max
    /// The fastest time back.
    public internal(set) var decodeNanoseconds = UInt64.max
    /// How far the tensor came back from what it was.
    public internal(set) var error = TensorError()
}

/// How far one tensor is from another.
public struct TensorError: Hashable, Sendable {
    /// Elements.
    public internal(set) var elementCount = 0
    /// Elements that are equal, bit by bit.
    public internal(set) var equalCount = 0
    /// The root of the mean square of the differences, over that of the elements.
    public internal(set) var relativeRMS = 0.0
    /// The largest difference.
    public internal(set) var absoluteMax = 0.0
    /// The cosine of the angle between the two, as vectors.
    public internal(set) var cosine = 1.0
}
