import RepriseTesting
import Testing

@testable import RepriseCore

/// Batches from several threads at once.
@Suite struct StoreBatchThreadTests {
    private static let keyCount = 300

    private static func key(_ number: Int) -> [UInt8] { Array("key-\(number)".utf8) }

    /// Adds a put whose value begins with a number.
    private static func append(
        _ number: UInt64,
        _ key: [UInt8],
        to batch: inout StoreBatch,
        of backend: LocalCPUBackend,
        expiry: PutExpiry = .never,
        mayYield: Bool
    ) {
        let outcome = backend.reserve(
            byteCount: 4_096,
            metadata: MemoryPoolTests.bytes(4_096),
            whenRoomReturns: {}
        )
        guard case .reserved(let reservation) = outcome else { return }
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
        reservation.object.copy(from: bytes.rawSpan)
        batch.append(putting: reservation, key: key.rawSpan, expiry: expiry, mayYield: mayYield)
    }

    private static func number(of object: MemoryObject?) -> UInt64? {
        object?.bytes.loadLittleEndian(at: 0, as: UInt64.self)
    }

    @Test func `steps that must not be parted are seen together or not at all`() throws {
        let backend = try LocalCPUBackendTests.backend(blockCount: 4_096)
        let mixedCount = Lock(0)
        Threads.run(4) { thread in
            for round in 0..<20 {
                var batch = StoreBatch()
                for number in 0..<Self.keyCount {
                    let key = Self.key(number)
                    let mayYield = number == 0
                    if thread < 2 {
                        let version = UInt64(thread * 1_000 + round)
                        Self.append(version, key, to: &batch, of: backend, mayYield: mayYield)
                    } else {
                        batch.append(.acquire, key: key.rawSpan, mayYield: mayYield)
                    }
                }
                backend.perform(&batch)
                guard thread >= 2 else { continue }
                var versions = Set<UInt64?>()
                for number in 0..<Self.keyCount {
                    let object = batch.takeObject(at: number)
                    versions.insert(Self.number(of: object))
                    object?.release()
                }
                if versions.count > 1 { mixedCount.withLock { $0 += 1 } }
            }
        }
        #expect(mixedCount.withLock { $0 } == 0)
        #expect(backend.pool.usedByteCount == Self.keyCount * 4_096)
        #expect(backend.statistics.reservedByteCount == 0)
    }

    /// One thread's random batches on keys that all threads share; says whether every value read was its
    /// key's.
    private static func performBatches(_ thread: Int, on backend: LocalCPUBackend, clock: WallClock) -> Bool {
        var generator = SeededGenerator(seed: UInt64(thread))
        var isRight = true
        for _ in 0..<200 {
            var batch = StoreBatch()
            var numbers: [Int] = []
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                let number = Int.random(in: 0..<40, using: &generator)
                let key = Self.key(number)
                let soon = clock.nowMilliseconds + Int64.random(in: -1...20, using: &generator)
                switch Int.random(in: 0..<8, using: &generator) {
                case 0..<3:
                    let expiry: PutExpiry = [.never, .kept, .at(milliseconds: soon)][number % 3]
                    Self.append(UInt64(number), key, to: &batch, of: backend, expiry: expiry, mayYield: true)
                case 3: batch.append(.setDeadline(milliseconds: soon, []), key: key.rawSpan, mayYield: false)
                case 4: batch.append(.persist, key: key.rawSpan)
                case 5: batch.append(.remove, key: key.rawSpan)
                default: batch.append(.acquire, key: key.rawSpan)
                }
                while numbers.count < batch.count { numbers.append(number) }
            }
            backend.perform(&batch)
            for (index, number) in numbers.enumerated() {
                guard let object = batch.takeObject(at: index) else { continue }
                isRight = isRight && Self.number(of: object) == UInt64(number)
                object.release()
            }
        }
        return isRight
    }

    /// What must hold when nobody uses a backend any more.
    private static func checkAtEnd(_ backend: LocalCPUBackend) {
        let statistics = backend.statistics
        #expect(statistics.expiringCount == 0 && statistics.reservedByteCount == 0)
        #expect(statistics.entryCount == backend.keys.count)
        #expect(backend.pool.usedByteCount == statistics.entryCount * 4_096)
        #expect(backend.pool.consistencyCheck() == nil)
        backend.removeAll()
        #expect(backend.entryCount == 0 && backend.pool.usedByteCount == 0)
    }

    @Test(arguments: [32, 256])
    func `memory is exact after batches while what has expired is removed`(blockCount: Int) throws {
        let timed = try TimedBackend(blockCount: blockCount)
        let clock = WallClock { timed.later(0) }
        let runningCount = Lock(3)
        let right = Threads.map(4) { thread in
            if thread < 3 {
                let isRight = Self.performBatches(thread, on: timed.backend, clock: clock)
                runningCount.withLock { $0 -= 1 }
                return isRight
            }
            while runningCount.withLock({ $0 }) > 0 {
                timed.wait(1)
                timed.backend.removeExpired()
                _ = timed.backend.scan(from: 0, count: 100)
            }
            return true
        }
        #expect(right == [true, true, true, true])
        timed.wait(1_000)
        #expect(timed.backend.removeExpired() == nil)
        Self.checkAtEnd(timed.backend)
    }

    @Test func `memory is exact after batches beside a timer`() async throws {
        let backend = try LocalCPUBackendTests.backend(blockCount: 256)
        let timer = ExpiryTimer(backend)
        defer { withExtendedLifetime(timer) {} }
        let right = Threads.map(3) { Self.performBatches($0, on: backend, clock: .system) }
        #expect(right == [true, true, true])
        let end = ContinuousClock.now + .seconds(30)
        while backend.statistics.expiringCount > 0, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(5))
        }
        Self.checkAtEnd(backend)
    }
}
