import Testing

@testable import RepriseCore

/// What batches hold: values within their allowances, and reservations.
@Suite struct StoreBatchHoldingTests {
    private static func batch(acquiring keys: [String]) -> StoreBatch {
        var batch = StoreBatch()
        for key in keys { batch.append(.acquire, key: Array(key.utf8).rawSpan) }
        return batch
    }

    @Test(arguments: [true, false])
    func `a batch stops before the step that would pass an allowance`(isOwn: Bool) throws {
        let timed = try TimedBackend(blockCount: 16)
        for key in ["a", "b", "c"] { timed.put(key) }
        var batch = Self.batch(acquiring: ["a", "b", "c"])
        let tight = StoreBatch.Allowance(byteCount: 8_192, mayPassWithOne: false)
        let wide = StoreBatch.Allowance(byteCount: .max, mayPassWithOne: false)
        batch.limitHeldBytes(to: isOwn ? tight : wide, isOwn ? wide : tight)
        timed.backend.perform(&batch)
        let stopped = batch.performedCount
        #expect(stopped == 2)
        batch.limitHeldBytes(to: wide, wide)
        timed.backend.perform(&batch)
        let ended = batch.performedCount
        #expect(ended == 3)
        #expect(timed.backend.statistics.hitCount == 3)
    }

    @Test func `the first value alone may pass an allowance when both let it`() throws {
        let timed = try TimedBackend(blockCount: 16)
        for key in ["a", "b"] { timed.put(key) }
        for (own, shared, count) in [(true, true, 1), (true, false, 0), (false, true, 0)] {
            var batch = Self.batch(acquiring: ["a", "b"])
            batch.limitHeldBytes(
                to: StoreBatch.Allowance(byteCount: 10, mayPassWithOne: own),
                StoreBatch.Allowance(byteCount: 10, mayPassWithOne: shared)
            )
            timed.backend.perform(&batch)
            let performed = batch.performedCount
            #expect(performed == count)
        }
        #expect(timed.backend.pool.usedByteCount == 2 * 4_096)
    }

    @Test func `what may not be held is passed over`() throws {
        let timed = try TimedBackend(blockCount: 16)
        timed.put("a", filling: 1)
        var batch = Self.batch(acquiring: ["a"])
        timed.append(to: &batch, "a", filling: 2, wantsPrevious: true)
        batch.append(.peek, key: ([0x61] as [UInt8]).rawSpan)
        let none = StoreBatch.Allowance(byteCount: 0, mayPassWithOne: false)
        batch.limitHeldBytes(to: none, none)
        timed.backend.perform(&batch)
        let performedAtFirst = batch.performedCount
        #expect(performedAtFirst == 0)
        var isSkipped = batch.skipNext()
        #expect(isSkipped)
        timed.backend.perform(&batch)
        // A put that wants the previous value would lose it: it is not passed over, nor performed.
        let performed = batch.performedCount
        #expect(performed == 1)
        isSkipped = batch.skipNext()
        #expect(!isSkipped)
        let result = batch.result(at: 0)
        let found = batch.takeObject(at: 0)
        #expect(result == -1 && found == nil)
        let unlimited = StoreBatch.Allowance(byteCount: .max, mayPassWithOne: true)
        batch.limitHeldBytes(to: unlimited, unlimited)
        timed.backend.perform(&batch)
        let results = [batch.result(at: 1), batch.result(at: 2)]
        #expect(results == [StoreBatch.putStored, 1])
        let taken = batch.takeObject(at: 1)
        let previous = try #require(taken)
        #expect(previous.bytes.loadByte(at: 0) == 1)
        previous.release()
        isSkipped = batch.skipNext()
        #expect(!isSkipped)
    }

    @Test func `only what takes a reference can be passed over`() throws {
        let timed = try TimedBackend(blockCount: 16)
        var batch = StoreBatch()
        batch.append(.peek, key: ([0x61] as [UInt8]).rawSpan)
        let skipsQuestion = batch.skipNext()
        #expect(!skipsQuestion)
        batch.removeAll()
        timed.append(to: &batch, "a")
        let skipsPut = batch.skipNext()
        #expect(!skipsPut)
    }

    @Test func `a reservation that was not published is taken back`() throws {
        let timed = try TimedBackend(blockCount: 16)
        timed.put("a", filling: 1)
        var batch = Self.batch(acquiring: ["a"])
        timed.append(to: &batch, "b", filling: 7)
        let none = StoreBatch.Allowance(byteCount: 0, mayPassWithOne: false)
        batch.limitHeldBytes(to: none, none)
        timed.backend.perform(&batch)
        let reservation = batch.takeReservation(at: 1)
        batch.removeAll()
        #expect(timed.backend.statistics.reservedByteCount == 4_096)
        let commits = reservation.commit("b")
        #expect(commits)
        #expect(timed.backend.statistics.reservedByteCount == 0)
        let object = try #require(timed.backend.getBlocking("b"))
        #expect(object.bytes.loadByte(at: 0) == 7)
        object.release()
    }

    @Test(arguments: [true, false])
    func `an emptied batch gives back what it holds, and so does one that ends`(empties: Bool) throws {
        let timed = try TimedBackend(blockCount: 16)
        timed.put("a")
        var batch = Self.batch(acquiring: ["a"])
        timed.backend.perform(&batch)
        timed.append(to: &batch, "b")
        timed.append(to: &batch, "c", byteCount: 8_192)
        #expect(timed.backend.statistics.reservedByteCount == 3 * 4_096)
        #expect(timed.backend.remove("a"))
        #expect(timed.backend.pool.usedByteCount == 4 * 4_096)
        if empties {
            batch.removeAll()
            let (isEmpty, performed) = (batch.isEmpty, batch.performedCount)
            #expect(isEmpty && performed == 0)
        } else {
            batch = StoreBatch()
        }
        #expect(timed.backend.statistics.reservedByteCount == 0)
        #expect(timed.backend.pool.usedByteCount == 0)
    }
}
