import RepriseTesting
import Testing

@testable import RepriseCore

/// Pins of entries that expire.
@Suite struct PinExpiryTests {
    @Test(arguments: [true, false])
    func `a pin that is given back after the deadline is not the next value's`(isFreed: Bool) throws {
        let timed = try TimedBackend(blockCount: 2)
        timed.put("a", expiringIn: 5)
        #expect(timed.backend.pin("a"))
        timed.wait(5)
        #expect(!timed.backend.unpin("a"))
        if isFreed { timed.backend.removeExpired() }
        #expect(timed.put("a") == StoreBatch.putStored)
        #expect(!timed.backend.unpin("a"))
        for key in ["b", "c"] { #expect(timed.put(key) == StoreBatch.putStored) }
        #expect(timed.backend.keys == ["b", "c"])
    }

    @Test func `a pinned value expires all the same`() throws {
        let timed = try TimedBackend(blockCount: 4)
        timed.put("a", expiringIn: 5)
        #expect(timed.backend.pin("a") && timed.backend.pin("a"))
        timed.wait(5)
        timed.backend.removeExpired()
        #expect(timed.backend.entryCount == 0 && timed.backend.pool.usedByteCount == 0)
        #expect(!timed.backend.unpin("a"))
    }
}
