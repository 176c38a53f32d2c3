import RepriseCore
import RepriseNode
import RepriseServer
import RepriseWire
import Testing

@Suite struct `Room that is reserved and not committed` {
    /// Stalls three PUTs of 80 KiB mid-way, in a memory of 1 MiB of which 256 KiB may be reserved.
    private static func stall(_ server: TestServer) throws -> [TestClient] {
        let clients = try (0..<3).map { _ in try server.connect() }
        for (index, client) in clients.enumerated() {
            let request = try client.putRequest(
                StorageKey("stalled-\(index)"),
                payload(seed: index, 80 << 10)
            )
            try client.send(Array(request.prefix(50_000)))
        }
        server.wait("reprise_memory_reserved_bytes", is: 240 << 10)
        return clients
    }

    @Test(arguments: [true, false])
    func `a put waits for others' reservations to end`(endsByCommit: Bool) throws {
        // The stalled clients are not to be cut before they go on, however slow the machine is.
        var limits = ServerLimits()
        limits.minimumTransferRate = 0
        limits.roomWaitMax = .seconds(300)
        let server = try TestServer(memoryByteCount: 1 << 20, threadCount: 2, limits: limits)
        let stalled = try Self.stall(server)
        let client = try server.connect()
        let sent = try client.putRequest("a", payload(seed: 9, 80 << 10)) + client.request(.exist, "a")
        try client.send(sent)
        #expect(try server.connect().ask(.health))
        #expect(!client.hasBytes)
        #expect(server.statistic("reprise_memory_reserved_bytes") == 240 << 10)
        if endsByCommit {
            let rest = try stalled[1].putRequest("stalled-1", payload(seed: 1, 80 << 10)).dropFirst(50_000)
            try stalled[1].send(Array(rest))
        } else {
            stalled[1].close()
        }
        #expect(try client.receiveHeader().code == .success)
        #expect(try client.get("a") == payload(seed: 9, 80 << 10))
        #expect(try client.ask(.exist, "stalled-1") == endsByCommit)
        for client in stalled + [client] { client.close() }
        server.expectNothingLeaked()
    }

    @Test func `a put that waited too long is dropped and its connection kept`() throws {
        var limits = ServerLimits()
        limits.roomWaitMax = .milliseconds(100)
        let server = try TestServer(memoryByteCount: 1 << 20, limits: limits)
        let stalled = try Self.stall(server)
        let client = try server.connect()
        try client.put("a", payload(seed: 9, 80 << 10))
        #expect(try !client.ask(.exist, "a"))
        #expect(server.dropped("waited_too_long") == 1)
        for client in stalled { client.close() }
        server.wait("reprise_memory_reserved_bytes", is: 0)
        try client.put("a", payload(seed: 9, 80 << 10))
        #expect(try client.ask(.exist, "a"))
        client.close()
        server.expectNothingLeaked()
    }

    @Test func `a stalled put is cut soon when others wait for its room`() throws {
        // Nothing else would end the wait: the window without contention and the wait itself are far away.
        var limits = ServerLimits()
        limits.contendedRateWindow = .milliseconds(100)
        limits.transferRateWindow = .seconds(3600)
        limits.minimumTransferRate = 1 << 40
        limits.roomWaitMax = .seconds(300)
        let server = try TestServer(memoryByteCount: 1 << 20, limits: limits)
        let stalled = try Self.stall(server)
        let client = try server.connect()
        try client.put("a", payload(seed: 9, 80 << 10))
        #expect(try client.ask(.exist, "a"))
        #expect(server.closed("too_slow") > 0)
        for client in stalled + [client] { client.close() }
        server.expectNothingLeaked()
    }

    @Test func `many puts that wait all get their turn`() throws {
        let server = try TestServer(memoryByteCount: 8 << 20, threadCount: 2)
        let first = try server.connect()
        try first.send(Array(try first.putRequest("first", payload(seed: 0, 2 << 20)).prefix(1000)))
        server.wait("reprise_memory_reserved_bytes", is: 2 << 20)
        let clients = try (0..<40).map { _ in try server.connect() }
        for (index, client) in clients.enumerated() {
            try client.send(try client.putRequest(StorageKey("\(index)"), payload(seed: index, 50_000)))
            try client.send(try client.request(.get, StorageKey("\(index)")))
        }
        first.close()
        for (index, client) in clients.enumerated() {
            #expect(try client.receiveReply().payload == payload(seed: index, 50_000))
        }
        for client in clients { client.close() }
        server.expectNothingLeaked()
    }

    @Test func `a client that goes while its put waits is forgotten`() throws {
        var limits = ServerLimits()
        limits.roomWaitMax = .milliseconds(100)
        let server = try TestServer(memoryByteCount: 1 << 20, limits: limits)
        let stalled = try Self.stall(server)
        let client = try server.connect()
        try client.send(Array(try client.putRequest("a", payload(seed: 9, 80 << 10)).prefix(1000)))
        server.wait("the header arrives") { server.statistic("reprise_received_bytes_total") == 151_000 }
        client.reset()
        server.wait("reprise_connections", is: 3)
        for client in stalled { client.close() }
        server.expectNothingLeaked()
    }

    @Test func `a put that waits asks for room when room returns and not all the time`() throws {
        let backend = CrowdedBackend(try Node(NodeConfiguration(memoryByteCount: 1 << 20)).server)
        let server = try TestServer(backend: backend)
        let client = try server.connect()
        try client.put("a", [1, 2, 3])
        server.wait("the put is deferred") { backend.deferralCount == 1 }
        let other = try server.connect()
        for _ in 0..<500 { _ = try other.ask(.exist, "a") }
        #expect(backend.deferralCount == 1)
        backend.makeRoom()
        #expect(try client.get("a") == [1, 2, 3])
        #expect(backend.deferralCount == 1)
    }
}

/// A backend that defers every reservation until it is told to make room.
final class CrowdedBackend: LMSBackend {
    private struct State {
        var isCrowded = true
        var deferralCount = 0
        var waiters: [@Sendable () -> Void] = []
    }

    private let inner: any LMSBackend
    private let state = Lock(State())

    init(_ inner: any LMSBackend) { self.inner = inner }

    /// Reservations that were deferred.
    var deferralCount: Int { state.withLock { $0.deferralCount } }

    /// Lets reservations through and wakes those who wait.
    func makeRoom() {
        let waiters = state.withLock { state in
            state.isCrowded = false
            defer { state.waiters = [] }
            return state.waiters
        }
        for wake in waiters { wake() }
    }

    var arenaFile: ArenaFile? { inner.arenaFile }

    func evict(_ key: StorageKey, holding object: MemoryObject) { inner.evict(key, holding: object) }

    func reserve(
        for key: StorageKey?,
        byteCount: Int,
        metadata: MemoryObjectMetadata,
        whenRoomReturns: @escaping @Sendable () -> Void
    ) -> ReserveOutcome {
        let isDeferred = state.withLock { state in
            guard state.isCrowded else { return false }
            state.deferralCount += 1
            state.waiters.append(whenRoomReturns)
            return true
        }
        guard !isDeferred else { return .deferred }
        return inner.reserve(
            for: key,
            byteCount: byteCount,
            metadata: metadata,
            whenRoomReturns: whenRoomReturns
        )
    }

    func lookUp(_ key: StorageKey, asksElsewhere: Bool) -> LMSLookup {
        inner.lookUp(key, asksElsewhere: asksElsewhere)
    }
    func load(_ key: StorageKey, completion: @escaping @Sendable (MemoryObject?) -> Void) {
        inner.load(key, completion: completion)
    }
    func contains(_ key: StorageKey) -> Bool { inner.contains(key) }
    func listKeys() -> [StorageKey] { inner.listKeys() }
    func remove(_ key: StorageKey) -> (wasStored: Bool, change: RecordedChange?) { inner.remove(key) }
    func perform(_ batch: inout StoreBatch) { inner.perform(&batch) }
    func scan(from cursor: UInt64, count: Int) -> (keys: [StorageKey], next: UInt64) {
        inner.scan(from: cursor, count: count)
    }
    var entryCount: Int { inner.entryCount }
    func removeAll() -> RecordedChange? { inner.removeAll() }
    var evictionPolicy: EvictionPolicy { inner.evictionPolicy }
    var statistics: LMSStatistics { inner.statistics }
    var capacityByteCount: Int { inner.capacityByteCount }
    var isConsistent: Bool? { inner.isConsistent }
    var isReservationAwaited: Bool { state.withLock { !$0.waiters.isEmpty } }
    func close() { inner.close() }
}
