public import RepriseCore

/// What every ``StorageBackend`` has to do, as a list of checks.
///
/// Each check makes a backend of its own and runs on a thread of our own, because calls of slower backends
/// may block. A check returns what it found wrong; a test expects the list to be empty.
public struct BackendConformance: Sendable {
    /// Makes a backend that is empty and has room for at least ``roomByteCount`` bytes of values.
    public let makeBackend: @Sendable () throws -> any StorageBackend
    /// Makes an object of so many bytes with one reference, the caller's, for a backend; `nil` when there is
    /// no memory.
    public let makeObject: @Sendable (any StorageBackend, Int) -> MemoryObject?
    /// Whether ``StorageBackend/keys`` is in order of use and the backend hands out the object that was put.
    public let isInMemory: Bool

    /// Bytes of values that a check stores at most, in blocks of 4 KiB.
    public static let roomByteCount = 4 << 20

    /// Describes the backends to check.
    public init(
        isInMemory: Bool = false,
        makeBackend: @escaping @Sendable () throws -> any StorageBackend,
        makeObject: @escaping @Sendable (any StorageBackend, Int) -> MemoryObject?
    ) {
        self.isInMemory = isInMemory
        self.makeBackend = makeBackend
        self.makeObject = makeObject
    }

    /// One check, named by what a backend has to do.
    public enum Check: String, CaseIterable, Sendable {
        case missesAreNil, readsItsWrites, lastPutWins, removes, pins, batchesWorkOnPrefixes
        case ordersKeysByUse, touchesBatchesFromTheTail, closes, endsPutTasks, countsReferences
        case storesOneObjectUnderTwoKeys, keepsEveryLength, survivesThreadsOnOneKey, survivesThreadsOnManyKeys
    }

    /// Runs one check and returns what is wrong.
    ///
    /// - Complexity: at most a few thousand operations.
    public func violations(of check: Check) -> [String] {
        Threads.map(1) { _ in
            do {
                let run = ConformanceRun(backend: try makeBackend(), conformance: self)
                run.perform(check)
                run.backend.close()
                return run.violations
            } catch {
                return ["\(check): no backend could be made: \(error)"]
            }
        }.flatMap { $0 }
    }

    /// Runs every check and returns what is wrong.
    public func violations() -> [String] { Check.allCases.flatMap { violations(of: $0) } }
}
