import RepriseTesting
import Testing

@testable import RepriseCore

/// A backend whose time of day stands still until it is told.
struct TimedBackend {
    static let start: Int64 = 1_780_000_000_000

    let backend: LocalCPUBackend
    let time: Lock<Int64>

    init(blockCount: Int) throws {
        let time = Lock(Self.start)
        let byteCount = blockCount * LocalCPUBackendTests.blockByteCount
        backend = LocalCPUBackend(
            pool: try MemoryPool(MemoryPool.Configuration(byteCount: byteCount)),
            wallClock: WallClock { time.withLock { $0 } }
        )
        self.time = time
    }

    /// Lets time pass.
    func wait(_ milliseconds: Int64) { time.withLock { $0 += milliseconds } }

    /// The time so many milliseconds from now.
    func later(_ milliseconds: Int64) -> Int64 { time.withLock { $0 + milliseconds } }

    /// Performs one question or change.
    @discardableResult
    func perform(_ operation: StoreBatch.Operation, _ key: String) -> Int64 {
        var batch = StoreBatch()
        batch.append(operation, key: Array(key.utf8).rawSpan)
        backend.perform(&batch)
        return batch.result(at: 0)
    }

    /// Adds a put of bytes that are all the same.
    func append(
        to batch: inout StoreBatch,
        _ key: String,
        filling byte: UInt8 = 0,
        byteCount: Int = 4_096,
        _ condition: PutCondition = .always,
        _ expiry: PutExpiry = .never,
        wantsPrevious: Bool = false
    ) {
        let outcome = backend.reserve(
            byteCount: byteCount,
            metadata: MemoryPoolTests.bytes(byteCount),
            whenRoomReturns: {}
        )
        guard case .reserved(let reservation) = outcome else {
            Issue.record("no room was reserved")
            return
        }
        reservation.object.copy(from: [UInt8](repeating: byte, count: byteCount).rawSpan)
        batch.append(
            putting: reservation,
            key: Array(key.utf8).rawSpan,
            condition: condition,
            expiry: expiry,
            wantsPrevious: wantsPrevious
        )
    }

    /// Performs one put.
    @discardableResult
    func put(
        _ key: String,
        filling byte: UInt8 = 0,
        byteCount: Int = 4_096,
        _ condition: PutCondition = .always,
        _ expiry: PutExpiry = .never
    ) -> Int64 {
        var batch = StoreBatch()
        append(to: &batch, key, filling: byte, byteCount: byteCount, condition, expiry)
        backend.perform(&batch)
        return batch.result(at: 0)
    }

    /// Puts a value that expires in so many milliseconds.
    func put(_ key: String, expiringIn milliseconds: Int64) {
        #expect(put(key, .always, .at(milliseconds: later(milliseconds))) == StoreBatch.putStored)
    }
}

/// Operations that share one acquisition of the lock.
@Suite struct StoreBatchTests {
    @Test func `questions about a stored key and one that is not`() throws {
        let timed = try TimedBackend(blockCount: 16)
        timed.put("a", byteCount: 100)
        let expected: [(StoreBatch.Operation, Int64, Int64)] = [
            (.contains, 1, 0), (.peek, 1, 0), (.byteCount, 100, -1), (.physicalByteCount, 4_096, -1),
            (.deadline, -1, -2), (.acquire, 100, -1), (.persist, 0, 0),
            (.setDeadline(milliseconds: timed.later(9), .ifSome), 0, 0),
            (.setDeadline(milliseconds: timed.later(9), []), 1, 0),
            (.deadline, timed.later(9), -2), (.persist, 1, 0), (.deadline, -1, -2), (.remove, 1, 0),
            (.peek, 0, 0),
        ]
        var batch = StoreBatch()
        for (operation, _, _) in expected {
            batch.append(operation, key: ([0x61] as [UInt8]).rawSpan)
            batch.append(operation, key: ([0x62] as [UInt8]).rawSpan, mayYield: false)
        }
        timed.backend.perform(&batch)
        let count = batch.performedCount
        #expect(count == expected.count * 2)
        for (index, (operation, stored, absent)) in expected.enumerated() {
            let results = [batch.result(at: index * 2), batch.result(at: index * 2 + 1)]
            #expect(results == [stored, absent], "\(operation)")
        }
        let taken = batch.takeObject(at: 10)
        let object = try #require(taken)
        #expect(object.byteCount == 100)
        let again = batch.takeObject(at: 10)
        #expect(again == nil)
        #expect(timed.backend.pool.usedByteCount == 4_096)
        object.release()
        #expect(timed.backend.pool.usedByteCount == 0)
    }

    @Test func `uses move a key to the end and peeks do not`() throws {
        let timed = try TimedBackend(blockCount: 16)
        for key in ["a", "b", "c", "d"] { timed.put(key) }
        for operation in [.peek, .physicalByteCount, .deadline, .persist] as [StoreBatch.Operation] {
            timed.perform(operation, "a")
            #expect(timed.backend.keys == ["a", "b", "c", "d"])
        }
        timed.perform(.contains, "a")
        timed.perform(.byteCount, "b")
        timed.perform(.acquire, "c")
        #expect(timed.backend.keys == ["d", "a", "b", "c"])
    }

    @Test func `puts take effect when their conditions hold`() throws {
        let timed = try TimedBackend(blockCount: 16)
        #expect(timed.put("a", .ifPresent) == StoreBatch.putConditionFailed)
        #expect(timed.put("a", .ifAbsent) == StoreBatch.putStored)
        #expect(timed.put("a", .ifAbsent) == StoreBatch.putConditionFailed)
        #expect(timed.put("a", .ifPresent) == StoreBatch.putStored)
        timed.put("b", expiringIn: 5)
        timed.wait(5)
        #expect(timed.put("b", .ifPresent) == StoreBatch.putConditionFailed)
        #expect(timed.put("b", .ifAbsent) == StoreBatch.putStored)
        #expect(timed.perform(.deadline, "b") == -1)
        #expect(timed.backend.pool.usedByteCount == 2 * 4_096)
        #expect(timed.backend.statistics.reservedByteCount == 0)
        timed.backend.close()
        #expect(timed.put("c") == StoreBatch.putRefused)
        #expect(timed.backend.pool.usedByteCount == 0)
    }

    @Test func `deadlines change when their conditions hold`() throws {
        let timed = try TimedBackend(blockCount: 16)
        timed.put("a")
        let steps: [(DeadlineCondition, Int64, Int64)] = [
            (.ifSome, 50, 0), (.ifLater, 50, 0), (.ifEarlier, 50, 1), (.ifNone, 60, 0), (.ifLater, 50, 0),
            (.ifEarlier, 50, 0), (.ifLater, 60, 1), ([.ifSome, .ifEarlier], 55, 1), ([], 90, 1),
        ]
        for (condition, wait, result) in steps {
            let operation = StoreBatch.Operation.setDeadline(milliseconds: timed.later(wait), condition)
            #expect(timed.perform(operation, "a") == result, "\(condition) \(wait)")
        }
        #expect(timed.perform(.deadline, "a") == timed.later(90))
        #expect(timed.perform(.setDeadline(milliseconds: timed.later(0), []), "a") == 1)
        #expect(timed.perform(.deadline, "a") == -2)
        #expect(timed.backend.pool.usedByteCount == 0)
    }

    @Test func `a put keeps the deadline only when told to`() throws {
        let timed = try TimedBackend(blockCount: 16)
        timed.put("a", expiringIn: 50)
        timed.put("a", .always, .kept)
        #expect(timed.perform(.deadline, "a") == timed.later(50))
        timed.put("a")
        #expect(timed.perform(.deadline, "a") == -1)
        timed.put("b", .always, .kept)
        #expect(timed.perform(.deadline, "b") == -1)
        #expect(timed.backend.statistics.expiringCount == 0)
    }

    @Test(arguments: [0, -1, -TimedBackend.start] as [Int64])
    func `a put whose deadline has passed removes the key`(wait: Int64) throws {
        let timed = try TimedBackend(blockCount: 16)
        timed.put("a")
        #expect(timed.put("a", .always, .at(milliseconds: timed.later(wait))) == StoreBatch.putStored)
        #expect(timed.perform(.peek, "a") == 0)
        #expect(timed.backend.pool.usedByteCount == 0)
        #expect(timed.backend.statistics.reservedByteCount == 0)
    }

    @Test func `a put hands out the value that it replaces, and its condition does not matter`() throws {
        let timed = try TimedBackend(blockCount: 16)
        var batch = StoreBatch()
        timed.append(to: &batch, "a", filling: 1, wantsPrevious: true)
        timed.append(to: &batch, "a", filling: 2, wantsPrevious: true)
        timed.append(to: &batch, "a", filling: 3, .ifAbsent, wantsPrevious: true)
        timed.backend.perform(&batch)
        let results = [batch.result(at: 0), batch.result(at: 1), batch.result(at: 2)]
        #expect(results == [1, 1, 0])
        let objects = [batch.takeObject(at: 0), batch.takeObject(at: 1), batch.takeObject(at: 2)]
        #expect(objects.map { $0?.bytes.loadByte(at: 0) } == [nil, 1, 2])
        #expect(timed.backend.pool.usedByteCount == 2 * 4_096)
        for object in objects { object?.release() }
        #expect(timed.backend.pool.usedByteCount == 4_096)
    }

    @Test func `a thousand steps are performed in order`() throws {
        let timed = try TimedBackend(blockCount: 4_096)
        var batch = StoreBatch()
        for number in 0..<500 {
            timed.append(to: &batch, "\(number % 50)", filling: UInt8(number % 251))
            batch.append(.acquire, key: Array("\(number % 50)".utf8).rawSpan, mayYield: number % 3 > 0)
        }
        timed.backend.perform(&batch)
        let count = batch.performedCount
        #expect(count == 1_000)
        for number in 0..<500 {
            let object = batch.takeObject(at: 2 * number + 1)
            #expect(object?.bytes.loadByte(at: 0) == UInt8(number % 251))
            object?.release()
        }
        #expect(timed.backend.entryCount == 50)
        #expect(timed.backend.pool.usedByteCount == 50 * 4_096)
        #expect(timed.backend.statistics.reservedByteCount == 0)
    }
}
