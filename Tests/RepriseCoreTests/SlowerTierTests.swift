import RepriseTesting
import Testing

@testable import RepriseCore

/// A memory backend with a slower tier behind it: where a key's value is, and who says so.
@Suite struct SlowerTierTests {
    /// A key that is behind the memory only, and what is in memory.
    private static func cold(_ key: StorageKey = "a", expiry: PutExpiry = .never) throws -> TieredBackend {
        let tiered = try TieredBackend(blockCount: 4)
        tiered.put(key, version: 1, .always, expiry)
        tiered.pushOut(blockCount: 4)
        #expect(!tiered.backend.isInMemory(key))
        #expect(tiered.tier.isStored(key))
        return tiered
    }

    @Test func `questions about a key that left the memory are answered from behind`() throws {
        let tiered = try Self.cold()
        let touchCount = tiered.tier.touchCount(of: "a")
        #expect(tiered.perform(.peek, "a").result == 1)
        #expect(tiered.perform(.physicalByteCount, "a").result == 4096)
        #expect(tiered.perform(.deadline, "a").result == -1)
        #expect(tiered.backend.contains("a"))
        #expect(tiered.backend.batchedContains(["a", "other-3", "b"]) == 2)
        #expect(tiered.tier.touchCount(of: "a") == touchCount)
        #expect(tiered.perform(.contains, "a").result == 1)
        #expect(tiered.perform(.byteCount, "a").result == 4096)
        #expect(tiered.backend.containsRecordingUse("a"))
        #expect(tiered.tier.touchCount(of: "a") == touchCount + 3)
        #expect(tiered.perform(.peek, "b").result == 0)
    }

    @Test func `a value that leaves the memory is touched behind it`() throws {
        let tiered = try Self.cold()
        #expect(tiered.tier.touchCount(of: "a") == 1)
    }

    @Test func `a batch stops at a cold key and names those behind it`() throws {
        let tiered = try TieredBackend(blockCount: 8)
        for number in 0..<6 { tiered.put(StorageKey("k\(number)"), version: number) }
        tiered.pushOut(blockCount: 8)
        tiered.put("k2", version: 20)
        var batch = StoreBatch()
        let keys: [StorageKey] = ["k2", "k0", "none", "k1", "k2", "k3"]
        for key in keys { batch.append(.acquire, key: key.bytes.rawSpan) }
        tiered.backend.perform(&batch)
        let (performed, cold) = (batch.performedCount, batch.coldKeys)
        #expect(performed == 1)
        // One value may pass the share of the memory that a batch loads: an eighth, here one block.
        #expect(cold == ["k0"])
        for key in keys { tiered.load(key) }
        tiered.backend.perform(&batch)
        let results = (0..<6).map { batch.result(at: $0) }
        #expect(results == [4096, 4096, -1, 4096, 4096, 4096])
        let value = batch.takeObject(at: 1)
        let object = try #require(value)
        #expect(TieredBackend.version(of: object) == 0)
        object.release()
    }

    @Test func `a batch names as many cold keys as may be loaded at once`() throws {
        let tiered = try TieredBackend(blockCount: 64)
        for number in 0..<20 { tiered.put(StorageKey("k\(number)"), version: number) }
        tiered.pushOut(blockCount: 64)
        var batch = StoreBatch()
        for number in 0..<20 { batch.append(.acquire, key: StorageKey("k\(number)").bytes.rawSpan) }
        tiered.backend.perform(&batch)
        let (cold, byteCount) = (batch.coldKeys, batch.coldByteCount)
        #expect(cold == (0..<8).map { StorageKey("k\($0)") })
        #expect(byteCount == 8 * 4096)
        let small = StoreBatch.Allowance(byteCount: 3 * 4096, mayPassWithOne: false)
        batch.limitHeldBytes(to: small, small)
        tiered.backend.perform(&batch)
        let coldWithinAllowance = batch.coldKeys
        #expect(coldWithinAllowance.count == 3)
    }

    @Test func `conditions and kept deadlines look behind the memory`() throws {
        let deadline = TimedBackend.start + 1000
        let tiered = try Self.cold(expiry: .at(milliseconds: deadline))
        #expect(tiered.put("a", version: 2, .ifAbsent)?.result == StoreBatch.putConditionFailed)
        #expect(tiered.put("b", version: 2, .ifPresent)?.result == StoreBatch.putConditionFailed)
        #expect(tiered.put("a", version: 3, .ifPresent, .kept)?.result == StoreBatch.putStored)
        #expect(tiered.perform(.deadline, "a").result == deadline)
        #expect(tiered.perform(.acquire, "a").version == 3)
    }

    @Test func `a put whose previous value could not be loaded finds none`() throws {
        let tiered = try Self.cold()
        let waiting = try #require(tiered.put("a", version: 2, .ifPresent, wantsPrevious: true))
        #expect(waiting.coldKeys == ["a"])
        let failed = try #require(
            tiered.put("a", version: 2, .ifPresent, wantsPrevious: true, absent: ["a"])
        )
        #expect(failed.result == StoreBatch.putConditionFailed)
        #expect(failed.change == nil)
        let stored = try #require(
            tiered.put("a", version: 3, .ifAbsent, wantsPrevious: true, absent: ["a"])
        )
        #expect(stored.result == StoreBatch.putStored)
        #expect(stored.version == nil)
        #expect(tiered.perform(.acquire, "a").version == 3)
    }

    @Test func `what replaces or changes a copy behind is to be recorded`() throws {
        let tiered = try Self.cold()
        tiered.tier.waits = .records
        let later = TimedBackend.start + 9
        let deadline = tiered.perform(.setDeadline(milliseconds: later, []), "a")
        #expect(deadline.result == 1)
        #expect(tiered.perform(.deadline, "a").result == later)
        let persist = tiered.perform(.persist, "a")
        #expect(persist.result == 1)
        let put = try #require(tiered.put("a", version: 2))
        #expect(put.result == StoreBatch.putStored)
        let remove = tiered.perform(.remove, "a")
        #expect(remove.result == 1)
        for change in [deadline.change, persist.change, put.change, remove.change] {
            #expect(try !#require(change).isRecorded)
        }
        #expect(tiered.put("new", version: 1)?.change == nil)
        tiered.tier.record()
        #expect(deadline.change?.isRecorded == true && remove.change?.isRecorded == true)
        #expect(tiered.perform(.peek, "a").result == 0)
    }

    @Test func `a deadline that has passed removes a cold key`() throws {
        let tiered = try Self.cold()
        let outcome = tiered.perform(.setDeadline(milliseconds: TimedBackend.start - 1, []), "a")
        #expect(outcome.result == 1)
        #expect(outcome.change != nil)
        #expect(!tiered.tier.isStored("a"))
    }

    @Test func `a refused put leaves the copy behind alone`() throws {
        let tiered = try Self.cold()
        tiered.backend.close()
        #expect(tiered.put("a", version: 2).map { $0.result != StoreBatch.putStored } ?? true)
        #expect(tiered.tier.isStored("a"))
    }

    @Test func `removing everything removes it behind, too`() throws {
        let tiered = try Self.cold()
        tiered.tier.waits = .records
        let change = tiered.backend.removeAllRecording()
        #expect(try !#require(change).isRecorded)
        #expect(tiered.tier.entryCount == 0)
        #expect(tiered.backend.entryCount == 0)
        tiered.put("a", version: 5)
        tiered.backend.removeAll()
        #expect(!tiered.tier.isStored("a"))
    }
}

/// Values that come from behind the memory, and that are offered to what is there.
@Suite struct PromotionTests {
    @Test func `a loaded value is in memory and is not offered again`() throws {
        let tiered = try TieredBackend(blockCount: 4)
        tiered.put("a", version: 7)
        tiered.pushOut(blockCount: 4)
        tiered.tier.waits = .writes
        #expect(tiered.load("a"))
        #expect(tiered.tier.queuedCount == 0)
        let statistics = tiered.backend.statistics
        #expect(statistics.promotionCount == 1)
        #expect(statistics.putCount == 5)
        #expect(tiered.perform(.acquire, "a").version == 7)
        #expect(tiered.tier.isStored("a"))
    }

    @Test(arguments: ["put", "remove", "removeAll", "expire"])
    func `a load that a change overtook is dropped`(change: String) throws {
        let tiered = try TieredBackend(blockCount: 4)
        tiered.put("a", version: 1)
        tiered.pushOut(blockCount: 4)
        tiered.tier.waits = .loads
        let loaded = Lock<MemoryObject??>(nil)
        tiered.tier.load("a") { object in loaded.withLock { $0 = .some(object) } }
        switch change {
        case "put": tiered.put("a", version: 2)
        case "remove": tiered.perform(.remove, "a")
        case "removeAll": tiered.backend.removeAll()
        default: tiered.perform(.setDeadline(milliseconds: TimedBackend.start, []), "a")
        }
        tiered.tier.finishLoads()
        let outcome = try #require(loaded.withLock { $0 })
        #expect(outcome == nil)
        #expect(tiered.perform(.acquire, "a").version == (change == "put" ? 2 : nil))
        #expect(tiered.backend.statistics.promotionCount == 0)
    }

    @Test func `a deadline that is set while a value is loaded holds`() throws {
        let tiered = try TieredBackend(blockCount: 4)
        tiered.put("a", version: 1)
        tiered.pushOut(blockCount: 4)
        tiered.tier.waits = .loads
        tiered.tier.load("a") { $0?.release() }
        let deadline = TimedBackend.start + 50
        tiered.perform(.setDeadline(milliseconds: deadline, []), "a")
        tiered.tier.finishLoads()
        #expect(tiered.backend.isInMemory("a"))
        #expect(tiered.perform(.deadline, "a").result == deadline)
        tiered.time.withLock { $0 = deadline }
        #expect(tiered.perform(.acquire, "a").result == -1)
    }

    @Test func `a second load leaves the value alone that the first has brought`() throws {
        let tiered = try TieredBackend(blockCount: 4)
        tiered.put("a", version: 1)
        tiered.pushOut(blockCount: 4)
        tiered.load("a")
        let first = try #require(tiered.backend.getBlocking("a"))
        tiered.load("a")
        let second = try #require(tiered.backend.getBlocking("a"))
        #expect(first === second)
        first.release()
        second.release()
    }

    @Test func `a value is in use until it is written`() throws {
        let tiered = try TieredBackend(blockCount: 4, waits: .writes)
        for number in 0..<4 { tiered.put(StorageKey("k\(number)"), version: number) }
        #expect(tiered.put("more", version: 9) == nil)
        tiered.tier.write()
        #expect(tiered.put("more", version: 9) != nil)
    }

    @Test func `a value whose task was dropped is offered before it is evicted, once a use`() throws {
        let tiered = try TieredBackend(blockCount: 16)
        tiered.tier.dropsOffers = true
        tiered.put("a", version: 1)
        tiered.put("b", version: 2)
        for number in 0..<14 { tiered.put(StorageKey("k\(number)"), version: number) }
        #expect(tiered.tier.entryCount == 0)
        tiered.put("c", version: 3)
        // "a" is gone; "b" was offered ahead, in vain.
        #expect(tiered.perform(.peek, "a").result == 0)
        tiered.tier.dropsOffers = false
        tiered.put("d", version: 4)
        #expect(tiered.perform(.peek, "b").result == 0)
        tiered.perform(.acquire, "k2")
        tiered.pushOut(blockCount: 16)
        #expect(tiered.tier.isStored("k2"))
        #expect(tiered.tier.isStored("k13"))
    }

    @Test func `a value that was evicted behind is offered again`() throws {
        let tiered = try TieredBackend(blockCount: 16)
        tiered.put("a", version: 1)
        tiered.put("b", version: 2)
        tiered.tier.evict("b")
        for number in 0..<15 { tiered.put(StorageKey("k\(number)"), version: number) }
        #expect(tiered.tier.isStored("b"))
    }
}
