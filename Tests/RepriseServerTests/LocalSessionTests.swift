import RepriseCore
import RepriseNode
import RepriseTesting
import RepriseWire
import Testing

@testable import RepriseServer

@Suite struct `Sessions of the local protocol` {
    @Test func `an old lease keeps its memory and no longer its entry`() throws {
        var limits = ServerLimits()
        limits.local.leaseAgeMax = .zero
        let server = try TestServer(isUnix: true, limits: limits)
        let client = try LocalTestClient(server)
        try client.store("k", byteCount: 5000)
        let lease = try client.acquire(["k"])[0]
        server.wait("the lease is too old") { server.statistic("reprise_local_leases_outdated_total") == 1 }
        #expect(try !client.exists("k"))
        #expect(server.statistic("reprise_entries") == 0)
        #expect(server.statistic("reprise_memory_used_bytes") == 8192)
        #expect(try client.end(.release, [lease.identifier]) == .ok)
        #expect(server.statistic("reprise_memory_used_bytes") == 0)
    }

    @Test func `an old lease leaves a newer value of its key alone`() throws {
        var limits = ServerLimits()
        limits.local.leaseAgeMax = .milliseconds(200)
        let server = try TestServer(isUnix: true, limits: limits)
        let client = try LocalTestClient(server)
        try client.store("k", byteCount: 100)
        _ = try client.acquire(["k"])
        try client.store("k", byteCount: 200)
        server.wait("the lease is too old") { server.statistic("reprise_local_leases_outdated_total") == 1 }
        #expect(try client.acquire(["k"])[0].valueByteCount == 200)
    }

    @Test func `an old reservation cannot be committed, and keeps its memory until it is given up`() throws {
        var limits = ServerLimits()
        limits.local.reservationAgeMax = .zero
        let server = try TestServer(isUnix: true, limits: limits)
        let client = try LocalTestClient(server)
        let rooms = [try client.reserve("a", byteCount: 100), try client.reserve("b", byteCount: 100)]
        server.wait("both are too old") {
            server.statistic("reprise_local_reservations_outdated_total") == 2
        }
        #expect(server.statistic("reprise_memory_reserved_bytes") == 0)
        #expect(server.statistic("reprise_memory_used_bytes") == 8192)
        #expect(try client.end(.commit, [rooms[0].identifier]) == .unknownIdentifier)
        #expect(try client.end(.abandon, [rooms[1].identifier]) == .ok)
        #expect(server.statistic("reprise_memory_used_bytes") == 0)
        #expect(try !client.exists("a"))
    }

    @Test func `sessions together leave half of the memory to others`() throws {
        let server = try TestServer(memoryByteCount: 1 << 20, isUnix: true)
        let writer = try LocalTestClient(server)
        let keys = (0..<16).map { StorageKey("k\($0)") }
        for key in keys { try writer.store(key, byteCount: 1 << 16) }
        let readers = try (0..<3).map { _ in try LocalTestClient(server) }
        let counts = try readers.map { try $0.acquire(keys).count { $0.status == .ok } }
        // Each may have a quarter, that is 4 values; all together 8.
        #expect(counts == [4, 4, 0])
        let others = (0..<8).map { StorageKey("other\($0)") }
        for key in others { try writer.store(key, byteCount: 1 << 16) }
        #expect(try writer.exists(others[7]))
    }

    @Test func `a lookup that nobody redeems ends`() throws {
        var limits = ServerLimits()
        limits.local.keepTimeMax = .zero
        let server = try TestServer(isUnix: true, limits: limits)
        let client = try LocalTestClient(server)
        try client.store("k", byteCount: 100)
        let number = try client.ask(.lookup, ["k"], flags: .keeps).header.argument
        #expect(number != 0)
        server.wait("it has ended") { server.statistic("reprise_local_kept_bytes") == 0 }
        _ = try client.ask(.remove, ["k"])
        #expect(try client.acquire(["k"], lookup: number)[0].status == .missing)
    }

    @Test func `a key that is named twice gets its own value both times`() throws {
        let server = try TestServer(isUnix: true)
        let client = try LocalTestClient(server)
        try client.store("a", byteCount: 100)
        try client.store("b", byteCount: 200)
        let number = try client.ask(.lookup, ["a"], flags: .keeps).header.argument
        let leases = try client.acquire(["a", "a", "b", "a"], lookup: number)
        #expect(leases.map(\.valueByteCount) == [100, 100, 200, 100])
        #expect(leases[0].offset == leases[1].offset && leases[0].offset != leases[2].offset)
        for lease in leases { #expect(try client.end(.release, [lease.identifier]) == .ok) }
        #expect(server.statistic("reprise_local_leased_bytes") == 0)
        #expect(server.statistic("reprise_local_kept_bytes") == 0)
    }

    @Test func `of too many lookups the oldest ends`() throws {
        var limits = ServerLimits()
        limits.local.keptLookupCountMax = 2
        let server = try TestServer(isUnix: true, limits: limits)
        let client = try LocalTestClient(server)
        try client.store("k", byteCount: 100)
        let numbers = try (0..<3).map { _ in
            try client.ask(.lookup, ["k"], flags: .keeps).header.argument
        }
        _ = try client.ask(.remove, ["k"])
        #expect(try client.acquire(["k"], lookup: numbers[0])[0].status == .missing)
        #expect(try client.acquire(["k"], lookup: numbers[2])[0].status == .ok)
    }

    @Test func `a reservation waits until others end`() throws {
        let server = try TestServer(memoryByteCount: 1 << 20, threadCount: 2, isUnix: true)
        let holders = try (0..<2).map { _ in try LocalTestClient(server) }
        // Each an eighth of the memory: together as much as may be reserved.
        let rooms = try holders.map { try $0.reserve("held", byteCount: 1 << 17) }
        #expect(rooms.allSatisfy { $0.status == .ok })
        let waiting = try LocalTestClient(server)
        try waiting.sendReserve("waiting", byteCount: 4096)
        server.wait("it waits") { server.node.server.isReservationAwaited }
        #expect(try holders[0].end(.abandon, [rooms[0].identifier]) == .ok)
        #expect(try waiting.receiveRoom(byteCount: 4096).status == .ok)
    }

    @Test func `a reservation that waits too long finds no room`() throws {
        var limits = ServerLimits()
        limits.roomWaitMax = .milliseconds(50)
        let server = try TestServer(memoryByteCount: 1 << 20, isUnix: true, limits: limits)
        let holders = try (0..<2).map { _ in try LocalTestClient(server) }
        let rooms = try holders.map { try $0.reserve("held", byteCount: 1 << 17) }
        #expect(rooms.allSatisfy { $0.status == .ok })
        #expect(try LocalTestClient(server).reserve("late", byteCount: 4096).status == .noRoom)
    }

    @Test func `values behind the memory are loaded to be leased`() throws {
        let tiered = try TieredServer(isUnix: true)
        try tiered.makeCold([("a", [1, 2, 3]), ("b", [4])])
        let client = try LocalTestClient(tiered.server)
        #expect(try client.ask(.lookup, ["a", "b", "c"]).header.count == 2)
        let leases = try client.acquire(["a", "c", "b"])
        #expect(leases.map(\.status) == [.ok, .missing, .ok])
        #expect(leases.map(\.valueByteCount) == [3, 0, 1])
    }

    @Test func `a lookup that keeps loads what is behind the memory`() throws {
        let tiered = try TieredServer(isUnix: true)
        try tiered.makeCold([("a", [1, 2, 3])])
        let client = try LocalTestClient(tiered.server, session: 1)
        let answer = try client.ask(.lookup, ["a"], flags: .keeps)
        #expect(answer.header.count == 1)
        tiered.server.wait("it is loaded and kept") {
            tiered.server.statistic("reprise_local_kept_bytes") == 4096
        }
        let other = try LocalTestClient(tiered.server, session: 1)
        #expect(try other.acquire(["a"], lookup: answer.header.argument)[0].valueByteCount == 3)
        #expect(tiered.server.statistic("reprise_local_kept_bytes") == 0)
    }
}

@Suite struct `The activity meter` {
    @Test func `counts each slot apart, and looks back one`() {
        let meter = ActivityMeter()
        let slot = ActivityMeter.currentSlot
        // Of long ago: nobody is active now.
        meter.count(in: slot - 10)
        meter.count(in: slot - 10)
        #expect(meter.activeCount == 0)
        // Far enough ahead that this moment does not come to it.
        meter.count(in: slot + 1_000_000)
        meter.count(in: slot + 1_000_000)
        #expect(meter.activeCount == 2)
        meter.count(in: slot + 1_000_001)
        #expect(meter.activeCount == 2)
        meter.count(in: slot + 1_000_003)
        #expect(meter.activeCount == 1)
    }
}
