public import RepriseCore

/// Turns values into what a remote store keeps, and back.
///
/// Called by the backend's own threads, several at a time.
///
/// - Source: LMCache `lmcache/v1/storage_backend/naive_serde/serde.py`.
public protocol Serde: Sendable {
    /// What a store keeps for a value.
    ///
    /// - Parameter allocate: Gives memory for so many bytes, described as given, with one reference.
    /// - Returns: An object with a reference for the caller: the value itself, or another one; `nil` when
    ///   there is no memory, or the value cannot be turned.
    func serialize(_ object: MemoryObject, _ allocate: RemoteAllocation) -> MemoryObject?

    /// The value that was turned into what a store keeps.
    ///
    /// - Returns: An object with a reference for the caller; `nil` when there is no memory, or the bytes are
    ///   not what ``serialize(_:_:)`` makes.
    func deserialize(_ object: MemoryObject, _ allocate: RemoteAllocation) -> MemoryObject?
}

/// Keeps values as they are.
public struct NaiveSerde: Serde {
    /// Creates it.
    public init() {}

    /// The value itself.
    public func serialize(_ object: MemoryObject, _ allocate: RemoteAllocation) -> MemoryObject? {
        object.retain()
        return object
    }

    /// The value itself.
    public func deserialize(_ object: MemoryObject, _ allocate: RemoteAllocation) -> MemoryObject? {
        object.retain()
        return object
    }
}
