import RepriseTesting
import Testing

@testable import RepriseCore

/// Values that expire.
@Suite struct ExpiryTests {
    @Test func `an expired value is found by no lookup from its very millisecond on`() throws {
        let timed = try TimedBackend(blockCount: 16)
        let backend = timed.backend
        timed.put("a", expiringIn: 5)
        timed.wait(4)
        #expect(backend.contains("a") && backend.keys == ["a"])
        #expect(backend.scan(from: 0, count: 10).keys == ["a"])
        #expect(backend.batchedContains(["a"], pinning: false) == 1)
        timed.wait(1)
        #expect(!backend.contains("a") && !backend.containsRecordingUse("a"))
        #expect(backend.getBlocking("a") == nil)
        #expect(!backend.pin("a"))
        #expect(backend.batchedContains(["a"], pinning: false) == 0)
        #expect(backend.batchedGetBlocking(["a"]).isEmpty)
        #expect(backend.keys.isEmpty)
        #expect(backend.scan(from: 0, count: 10).keys.isEmpty)
        for operation in [.contains, .peek] as [StoreBatch.Operation] {
            #expect(timed.perform(operation, "a") == 0)
        }
        #expect(timed.perform(.acquire, "a") == -1)
        #expect(timed.perform(.deadline, "a") == -2)
        #expect(timed.perform(.persist, "a") == 0)
        #expect(timed.perform(.setDeadline(milliseconds: .max, []), "a") == 0)
        #expect(!backend.remove("a"))
    }

    @Test func `what has expired is freed when it is asked for`() throws {
        let timed = try TimedBackend(blockCount: 4_096)
        for number in 0..<700 { timed.put("\(number)", expiringIn: 10 + Int64(number % 2) * 90) }
        timed.put("stays")
        #expect(timed.backend.statistics.expiringCount == 700)
        timed.backend.removeExpired()
        #expect(timed.backend.entryCount == 701)
        timed.wait(10)
        #expect(timed.backend.entryCount == 701)
        let next = try #require(timed.backend.removeExpired())
        #expect(next <= timed.later(90) && next > timed.later(0))
        #expect(timed.backend.entryCount == 351)
        #expect(timed.backend.pool.usedByteCount == 351 * 4_096)
        timed.wait(90)
        #expect(timed.backend.removeExpired() == nil)
        #expect(timed.backend.keys == ["stays"])
        #expect(timed.backend.pool.usedByteCount == 4_096)
        let statistics = timed.backend.statistics
        #expect(statistics.expiredCount == 700 && statistics.expiringCount == 0)
    }

    @Test func `a value that is being read while it expires lives on`() throws {
        let timed = try TimedBackend(blockCount: 16)
        timed.put("a", expiringIn: 5)
        let read = try #require(timed.backend.getBlocking("a"))
        timed.wait(5)
        #expect(timed.backend.removeExpired() == nil)
        #expect(timed.backend.entryCount == 0)
        #expect(read.isValid && read.referenceCount == 1)
        #expect(timed.backend.pool.usedByteCount == 4_096)
        read.release()
        #expect(timed.backend.pool.usedByteCount == 0)
    }

    @Test func `a plain put clears the deadline`() throws {
        let timed = try TimedBackend(blockCount: 16)
        timed.put("a", expiringIn: 5)
        #expect(LocalCPUBackendTests.put(timed.backend, "a"))
        timed.wait(5)
        #expect(timed.backend.removeExpired() == nil)
        #expect(timed.backend.keys == ["a"])
    }

    @Test func `removing every entry gives all memory back`() throws {
        let timed = try TimedBackend(blockCount: 64)
        for number in 0..<20 { timed.put("\(number)", expiringIn: Int64(number) + 1) }
        timed.put("stays")
        timed.backend.removeAll()
        #expect(timed.backend.entryCount == 0 && timed.backend.pool.usedByteCount == 0)
        #expect(timed.backend.removeExpired() == nil)
        #expect(timed.put("again") == StoreBatch.putStored)
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `a scan meets every key that stays while others come and go`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let timed = try TimedBackend(blockCount: 1_024)
        var staying = Set<StorageKey>()
        for number in 0..<300 {
            let stays = Bool.random(using: &generator)
            timed.put(stays ? "s\(number)" : "g\(number)")
            if stays { staying.insert(StorageKey("s\(number)")) }
        }
        var met: [StorageKey] = []
        var (cursor, round) = (UInt64(0), 0)
        repeat {
            let step = timed.backend.scan(from: cursor, count: Int.random(in: 1...20, using: &generator))
            met += step.keys
            cursor = step.next
            round += 1
            for _ in 0..<10 { timed.perform(.remove, "g\(Int.random(in: 0..<300, using: &generator))") }
            if round < 100 { timed.put("n\(round)") }
        } while cursor != 0 && round < 2_000
        #expect(cursor == 0)
        #expect(staying.isSubset(of: met))
        let stayingMet = met.filter(staying.contains)
        #expect(stayingMet.count == staying.count)
    }

    @Test func `the timer frees a value that has expired without being asked`() async throws {
        let backend = try LocalCPUBackendTests.backend(blockCount: 16)
        let timer = ExpiryTimer(backend)
        defer { withExtendedLifetime(timer) {} }
        #expect(LocalCPUBackendTests.put(backend, "a") && LocalCPUBackendTests.put(backend, "b"))
        var batch = StoreBatch()
        let deadline = WallClock.system.nowMilliseconds + 30
        batch.append(.setDeadline(milliseconds: deadline, []), key: ([0x61] as [UInt8]).rawSpan)
        backend.perform(&batch)
        let end = ContinuousClock.now + .seconds(20)
        while backend.entryCount > 1, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(2))
        }
        #expect(backend.entryCount == 1)
        #expect(WallClock.system.nowMilliseconds >= deadline)
        #expect(backend.keys == ["b"])
        #expect(backend.pool.usedByteCount == 4_096)
    }
}
