internal import CReprise
internal import RepriseCore

// SAFETY, whole file: the caller of the C function says where its keys lie, and that they stay there during
// the call; lengths are checked before bytes are read.

/// The keys of one batch, copied from the caller's memory.
struct KeyTable: Sendable {
    private var bytes: [UInt8] = []
    /// Where each key ends.
    private var ends: [Int] = []

    /// How many keys there are.
    var count: Int { ends.count }

    /// Copies the keys of a call.
    ///
    /// - Throws: `invalidArgument` for null pointers, and for too few or too many keys or bytes.
    init(_ keys: UnsafePointer<reprise_bytes>?, count: Int) throws(CallError) {
        guard count >= 1, count <= ClientLimits.batchKeyCountMax else {
            throw CallError(
                .invalidArgument,
                "\(UInt(bitPattern: count)) keys; a batch has 1 to \(ClientLimits.batchKeyCountMax)"
            )
        }
        guard let keys = unsafe keys else { throw CallError(.invalidArgument, "the keys are NULL") }
        ends.reserveCapacity(count)
        for index in 0..<count {
            let key = unsafe keys[index]
            guard unsafe key.length >= 1 && key.length <= ClientLimits.keyByteCountMax else {
                throw CallError(
                    .invalidArgument,
                    unsafe "key \(index) has \(UInt(bitPattern: key.length)) bytes; a key has 1 to "
                        + "\(ClientLimits.keyByteCountMax)"
                )
            }
            guard let data = unsafe key.data else {
                throw CallError(.invalidArgument, "key \(index) is NULL")
            }
            unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: data, count: key.length))
            ends.append(bytes.count)
        }
    }

    /// The bytes of a key.
    func bytes(at index: Int) -> ArraySlice<UInt8> { bytes[(index > 0 ? ends[index - 1] : 0)..<ends[index]] }

    /// How long a key is.
    func byteCount(at index: Int) -> Int { ends[index] - (index > 0 ? ends[index - 1] : 0) }

    /// A key as backends see it.
    func storageKey(at index: Int) -> StorageKey { StorageKey(Array(bytes(at: index))) }

    /// Calls `body` with the bytes of a key.
    func withBytes<Result>(at index: Int, _ body: (RawSpan) -> Result) -> Result {
        body(bytes.rawSpan.extracting((index > 0 ? ends[index - 1] : 0)..<ends[index]))
    }

    /// Checks that no key is there twice.
    ///
    /// - Throws: `invalidArgument`.
    func checkDistinct() throws(CallError) {
        guard count > 1 else { return }
        var seen = Set<ArraySlice<UInt8>>(minimumCapacity: count)
        for index in 0..<count where !seen.insert(bytes(at: index)).inserted {
            throw CallError(.invalidArgument, "key \(index) is in the batch twice; a batch sets a key once")
        }
    }
}
