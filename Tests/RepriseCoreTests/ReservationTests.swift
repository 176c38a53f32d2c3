import RepriseTesting
import Testing

@testable import RepriseCore

/// Room for values that are being received.
@Suite struct ReservationTests {
    static func reserve(
        _ backend: LocalCPUBackend,
        unitCount: Int,
        whenRoomReturns: @escaping @Sendable () -> Void = {}
    ) -> ReserveOutcome {
        let byteCount = unitCount * 4_096
        return backend.reserve(
            byteCount: byteCount,
            metadata: MemoryPoolTests.bytes(byteCount),
            whenRoomReturns: whenRoomReturns
        )
    }

    /// The name of an outcome, letting go of a reservation.
    static func name(_ outcome: consuming ReserveOutcome) -> String {
        switch consume outcome {
        case .reserved: "reserved"
        case .deferred: "deferred"
        case .noRoom: "noRoom"
        case .tooLarge: "tooLarge"
        }
    }

    /// What a request for room gets, which is given back at once.
    static func outcome(_ backend: LocalCPUBackend, unitCount: Int) -> String {
        name(reserve(backend, unitCount: unitCount))
    }

    @Test func `a value is seen after its commit and not before`() throws {
        let backend = try LocalCPUBackendTests.full(4)
        guard case .reserved(let reservation) = Self.reserve(backend, unitCount: 1) else {
            Issue.record("no room was reserved")
            return
        }
        reservation.object.copy(from: ([42] as [UInt8]).rawSpan)
        #expect(backend.statistics.reservedByteCount == 4_096)
        #expect(backend.keys == ["1", "2", "3"])
        let reservationCommits = reservation.commit("1")
        #expect(reservationCommits)
        #expect(backend.statistics.reservedByteCount == 0)
        #expect(backend.keys == ["2", "3", "1"])
        let object = try #require(backend.getBlocking("1"))
        #expect(object.bytes.loadByte(at: 0) == 42)
        #expect(object.referenceCount == 2)
        object.release()
        #expect(backend.pool.usedByteCount == 3 * 4_096)
    }

    @Test func `an abandoned reservation gives its room back and leaves the old value`() throws {
        let backend = try LocalCPUBackendTests.backend(blockCount: 8)
        LocalCPUBackendTests.put(backend, "a")
        #expect(Self.outcome(backend, unitCount: 2) == "reserved")
        #expect(backend.statistics.reservedByteCount == 0)
        #expect(backend.pool.usedByteCount == 4_096)
        #expect(backend.keys == ["a"])
    }

    @Test func `a quarter of the pool may be reserved at once`() throws {
        let backend = try LocalCPUBackendTests.backend(blockCount: 16)
        guard case .reserved(let first) = Self.reserve(backend, unitCount: 3) else { return }
        #expect(Self.outcome(backend, unitCount: 2) == "deferred")
        guard case .reserved(let second) = Self.reserve(backend, unitCount: 1) else {
            Issue.record("the last unit of the quarter was not reserved")
            return
        }
        #expect(Self.outcome(backend, unitCount: 1) == "deferred")
        let firstCommits = first.commit("a")
        #expect(firstCommits)
        let secondCommits = second.commit("b")
        #expect(secondCommits)
        #expect(Self.outcome(backend, unitCount: 4) == "reserved")
    }

    @Test func `one reservation alone may pass the quarter`() throws {
        let backend = try LocalCPUBackendTests.full(16)
        guard case .reserved(let large) = Self.reserve(backend, unitCount: 16) else {
            Issue.record("a value of the pool's size cannot be stored")
            return
        }
        #expect(Self.outcome(backend, unitCount: 1) == "deferred")
        let largeCommits = large.commit("large")
        #expect(largeCommits)
        #expect(backend.keys == ["large"])
        #expect(Self.outcome(backend, unitCount: 17) == "tooLarge")
    }

    @Test(arguments: [true, false]) func `who was deferred is called once when room returns`(commits: Bool)
        throws
    {
        let backend = try LocalCPUBackendTests.backend(blockCount: 16)
        let calls = Lock<[String]>([])
        guard case .reserved(let first) = Self.reserve(backend, unitCount: 4) else { return }
        for name in ["a", "b"] {
            let outcome = Self.reserve(backend, unitCount: 1) { calls.withLock { $0.append(name) } }
            let outcomeName = Self.name(outcome)
            #expect(outcomeName == "deferred")
        }
        #expect(calls.withLock { $0 } == [])
        if commits { _ = first.commit("a") } else { _ = consume first }
        #expect(calls.withLock { $0 } == ["a", "b"])
        #expect(Self.outcome(backend, unitCount: 4) == "reserved")
        #expect(calls.withLock { $0 } == ["a", "b"])
    }

    @Test func `who is called finds the room`() throws {
        let backend = try LocalCPUBackendTests.backend(blockCount: 4)
        let found = Lock<[String]>([])
        guard case .reserved(let first) = Self.reserve(backend, unitCount: 4) else { return }
        let outcome = Self.reserve(backend, unitCount: 4) {
            let name = Self.outcome(backend, unitCount: 4)
            found.withLock { $0.append(name) }
        }
        let outcomeName = Self.name(outcome)
        #expect(outcomeName == "deferred")
        _ = consume first
        #expect(found.withLock { $0 } == ["reserved"])
    }

    @Test func `no room is said at once and nothing is evicted`() throws {
        let backend = try LocalCPUBackendTests.full(4)
        let held = backend.getBlocking("1")
        #expect(Self.outcome(backend, unitCount: 3) == "noRoom")
        #expect(backend.keys.count == 4)
        #expect(backend.statistics.reservedByteCount == 0)
        #expect(backend.statistics.noRoomCount == 1)
        held?.release()
    }

    @Test func `a reservation that is open when the backend closes is refused and given back`() throws {
        let backend = try LocalCPUBackendTests.backend(blockCount: 4)
        guard case .reserved(let reservation) = Self.reserve(backend, unitCount: 1) else { return }
        backend.close()
        let reservationCommits = reservation.commit("a")
        #expect(!reservationCommits)
        #expect(backend.pool.usedByteCount == 0)
        #expect(backend.statistics.reservedByteCount == 0)
    }

    @Test func `the last of two commits of a key wins`() throws {
        let backend = try LocalCPUBackendTests.backend(blockCount: 16)
        guard case .reserved(let first) = Self.reserve(backend, unitCount: 1),
            case .reserved(let second) = Self.reserve(backend, unitCount: 1)
        else { return }
        first.object.copy(from: ([1] as [UInt8]).rawSpan)
        second.object.copy(from: ([2] as [UInt8]).rawSpan)
        let secondCommits = second.commit("a")
        #expect(secondCommits)
        let firstCommits = first.commit("a")
        #expect(firstCommits)
        let object = backend.getBlocking("a")
        #expect(object?.bytes.loadByte(at: 0) == 1)
        object?.release()
        #expect(backend.pool.usedByteCount == 4_096)
    }
}
