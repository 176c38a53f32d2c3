import RepriseTesting
import Testing

@testable import RepriseCore

/// The thread that frees what has expired, on the system's clock: nothing here depends on how long things
/// take.
@Suite struct ExpiryTimerTests {
    private static func backend() throws -> LocalCPUBackend {
        try LocalCPUBackendTests.backend(blockCount: 16)
    }

    /// Puts a value that expires in so many milliseconds.
    private static func put(_ backend: LocalCPUBackend, _ key: StorageKey, expiringIn wait: Int64) {
        #expect(LocalCPUBackendTests.put(backend, key))
        setDeadline(backend, key, in: wait)
    }

    private static func setDeadline(_ backend: LocalCPUBackend, _ key: StorageKey, in wait: Int64) {
        var batch = StoreBatch()
        let deadline = WallClock.system.nowMilliseconds + wait
        batch.append(.setDeadline(milliseconds: deadline, []), key: key.bytes.rawSpan)
        backend.perform(&batch)
        let result = batch.result(at: 0)
        #expect(result == 1)
    }

    /// Waits, for long, until so many entries are left.
    private static func waitForEntries(_ backend: LocalCPUBackend, count: Int) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while backend.entryCount > count, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(2))
        }
        #expect(backend.entryCount == count)
        #expect(backend.pool.usedByteCount == count * LocalCPUBackendTests.blockByteCount)
    }

    /// Lets the timer look once, find nothing, and go to sleep.
    private static func letTimerSleep() async throws {
        try await Task.sleep(for: .milliseconds(10 * ExpiryTimer.intervalMilliseconds))
    }

    @Test func `a deadline wakes a timer that nothing has expired for`() async throws {
        let backend = try Self.backend()
        let timer = ExpiryTimer(backend)
        defer { withExtendedLifetime(timer) {} }
        for key in ["a", "b"] as [StorageKey] {
            try await Self.letTimerSleep()
            Self.put(backend, key, expiringIn: 50)
            try await Self.waitForEntries(backend, count: 0)
        }
    }

    @Test func `an earlier deadline does not wait for a later one`() async throws {
        let backend = try Self.backend()
        let timer = ExpiryTimer(backend)
        defer { withExtendedLifetime(timer) {} }
        Self.put(backend, "late", expiringIn: 3_600_000)
        try await Self.letTimerSleep()
        Self.put(backend, "early", expiringIn: 50)
        try await Self.waitForEntries(backend, count: 1)
        #expect(backend.keys == ["late"])
        Self.setDeadline(backend, "late", in: 20)
        try await Self.waitForEntries(backend, count: 0)
    }

    @Test func `values that have expired before the timer begins are freed`() async throws {
        let backend = try Self.backend()
        Self.put(backend, "a", expiringIn: 1)
        let timer = ExpiryTimer(backend)
        defer { withExtendedLifetime(timer) {} }
        try await Self.waitForEntries(backend, count: 0)
    }

    @Test func `the thread ends with its timer and lets go of the store`() async throws {
        weak var store: EntryStore?
        do {
            let timed = try TimedBackend(blockCount: 16)
            store = timed.backend.store
            do {
                let timer = ExpiryTimer(timed.backend)
                timed.put("a", expiringIn: 50)
                withExtendedLifetime(timer) {}
            }
            // Nobody looks any more, and nobody is told.
            timed.perform(.setDeadline(milliseconds: timed.later(5), []), "a")
            timed.wait(5)
            try await Self.letTimerSleep()
            #expect(timed.backend.entryCount == 1 && timed.backend.keys.isEmpty)
            timed.backend.removeExpired()
            #expect(timed.backend.entryCount == 0)
        }
        #expect(store == nil)
    }

    @Test func `a timer may outlive its backend`() throws {
        var backend: LocalCPUBackend? = try Self.backend()
        let timer = backend.map { ExpiryTimer($0) }
        if let backend { Self.put(backend, "a", expiringIn: 1) }
        backend = nil
        withExtendedLifetime(timer) {}
    }

    @Test func `whoever waits is told when something expires earlier, and only then`() throws {
        let timed = try TimedBackend(blockCount: 16)
        let wakeCount = Lock(0)
        for key in ["a", "b"] { timed.put(key) }
        timed.backend.store.setExpiryWaker { wakeCount.withLock { $0 += 1 } }
        func wakes(_ operation: StoreBatch.Operation, _ key: String = "a") -> Bool {
            let before = wakeCount.withLock { $0 }
            timed.perform(operation, key)
            return wakeCount.withLock { $0 } > before
        }
        #expect(wakes(.setDeadline(milliseconds: timed.later(50), [])))
        #expect(!wakes(.setDeadline(milliseconds: timed.later(50), []), "b"))
        #expect(!wakes(.setDeadline(milliseconds: timed.later(90), []), "b"))
        #expect(wakes(.setDeadline(milliseconds: timed.later(49), []), "b"))
        #expect(!wakes(.persist) && !wakes(.persist, "b"))
        // It has looked and found nothing: any deadline is earlier now.
        #expect(timed.backend.removeExpired() == nil)
        #expect(wakes(.setDeadline(milliseconds: timed.later(1_000_000), [])))
        let next = try #require(timed.backend.removeExpired())
        #expect(!wakes(.setDeadline(milliseconds: next, []), "b"))
        #expect(wakes(.setDeadline(milliseconds: next - 1, []), "b"))
        timed.backend.store.setExpiryWaker(nil)
        #expect(!wakes(.setDeadline(milliseconds: timed.later(1), [])))
    }
}
