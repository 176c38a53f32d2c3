public import RepriseCore
internal import Synchronization

/// A storage backend with the name by which its place is asked for.
public struct StorageTier: Sendable {
    /// The name; LMCache's are those of its classes, such as `LocalDiskBackend`.
    public let name: String
    /// Where the values are.
    public let backend: any StorageBackend

    /// Names a backend.
    public init(name: String, backend: any StorageBackend) {
        self.name = name
        self.backend = backend
    }
}

/// Names one lookup whose pins are given back together.
public struct LookupID: Hashable, Sendable, ExpressibleByStringLiteral {
    /// The name.
    public let text: String

    /// Creates an identifier from its name.
    public init(_ text: String) { self.text = text }

    private static let uniqueCount = Atomic<UInt64>(0)

    /// An identifier that this process has not made yet.
    static func unique() -> LookupID {
        LookupID("engine-\(uniqueCount.wrappingAdd(1, ordering: .relaxed).newValue)")
    }

    /// Creates an identifier from its name.
    public init(stringLiteral text: String) { self.text = text }
}

/// The named limits of a storage manager.
public struct StorageManagerLimits: Sendable {
    /// Threads that prefetch.
    public var prefetchThreadCount = 2
    /// Prefetches that wait or run; one beyond it is refused.
    public var prefetchCountMax = 1024
    /// Keys that one prefetch loads together.
    public var prefetchKeyCountMax = 8
    /// A prompt's chunks are retrieved together as far as they take this part of the memory, one divided by
    /// this number.
    public var retrievedFractionDivisor = 4
    /// Bytes of a prompt's chunks that are retrieved together: a remote store has to send them in the time
    /// that one call may take.
    public var retrievedByteCountMax = 256 << 20
    /// A prompt's chunks that are retrieved together.
    public var retrievedCountMax = 64
    /// Lookups that hold pins; the pins of one beyond it are refused, and it counts nothing.
    public var pinnedLookupCountMax = 4096

    /// Creates the default limits.
    public init() {}
}
