import RepriseTesting
import Testing

@testable import RepriseCore

/// A memory backend with a dictionary behind it, and a time of day that stands still until it is told.
final class TieredBackend: Sendable {
    let backend: LocalCPUBackend
    let tier: DictionaryTier
    let time: Lock<Int64>

    init(blockCount: Int, waits: DictionaryTier.Waits = []) throws {
        let time = Lock(TimedBackend.start)
        let clock = WallClock { time.withLock { $0 } }
        let byteCount = blockCount * LocalCPUBackendTests.blockByteCount
        backend = LocalCPUBackend(
            pool: try MemoryPool(MemoryPool.Configuration(byteCount: byteCount)),
            wallClock: clock
        )
        tier = DictionaryTier(behind: backend, wallClock: clock)
        tier.waits = waits
        self.time = time
    }

    deinit {
        // Memory and tier know each other.
        tier.close()
        backend.close()
    }

    var now: Int64 { time.withLock { $0 } }

    /// What became of one step.
    struct Outcome {
        var result: Int64
        var version: Int?
        var change: RecordedChange?
        var coldKeys: [StorageKey] = []
    }

    /// Performs one question or change; a step that must wait for a load has cold keys and no result.
    @discardableResult
    func perform(
        _ operation: StoreBatch.Operation,
        _ key: StorageKey,
        absent: Set<StorageKey> = []
    ) -> Outcome {
        var batch = StoreBatch()
        batch.append(operation, key: key.bytes.rawSpan)
        return perform(&batch, absent: absent)
    }

    /// Performs a batch of one step.
    func perform(_ batch: inout StoreBatch, absent: Set<StorageKey> = []) -> Outcome {
        batch.absentKeys = absent
        backend.perform(&batch)
        let change = batch.takeChange()
        guard batch.performedCount == 1 else {
            return Outcome(result: .min, change: change, coldKeys: batch.coldKeys)
        }
        let object = batch.takeObject(at: 0)
        defer { object?.release() }
        return Outcome(
            result: batch.result(at: 0),
            version: object.map(Self.version),
            change: change
        )
    }

    /// Puts one block that tells its version; `nil` when there is no room.
    @discardableResult
    func put(
        _ key: StorageKey,
        version: Int,
        _ condition: PutCondition = .always,
        _ expiry: PutExpiry = .never,
        wantsPrevious: Bool = false,
        absent: Set<StorageKey> = []
    ) -> Outcome? {
        let outcome = backend.reserve(
            byteCount: LocalCPUBackendTests.blockByteCount,
            metadata: MemoryPoolTests.bytes(LocalCPUBackendTests.blockByteCount),
            whenRoomReturns: {}
        )
        guard case .reserved(let reservation) = outcome else { return nil }
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: version >> ($0 * 8)) }
        reservation.object.copy(from: bytes.rawSpan)
        var batch = StoreBatch()
        batch.append(
            putting: reservation,
            key: key.bytes.rawSpan,
            condition: condition,
            expiry: expiry,
            wantsPrevious: wantsPrevious
        )
        return perform(&batch, absent: absent)
    }

    /// Loads a key; whether its value came.
    @discardableResult
    func load(_ key: StorageKey) -> Bool {
        let isLoaded = Lock(false)
        tier.load(key) { object in
            isLoaded.withLock { $0 = object != nil }
            object?.release()
        }
        return isLoaded.withLock { $0 }
    }

    /// Puts other keys until these blocks' values have left the memory.
    func pushOut(blockCount: Int) {
        for number in 0..<blockCount { put(StorageKey("other-\(number)"), version: 1000 + number) }
    }

    static func version(of object: MemoryObject) -> Int {
        let bytes = [UInt8](copying: object.bytes.extracting(first: 8))
        return bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}
