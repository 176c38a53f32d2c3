import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseServer

@Suite struct `Replies that wait for a change to be recorded` {
    @Test func `a put over an older copy is acknowledged when that is recorded, and no later`() throws {
        let tiered = try TieredServer(waits: .records)
        try tiered.makeCold("a")
        let client = try tiered.server.connect()
        try client.command("SET new 1", "GET new")
        try client.expect("+OK\r\n$1\r\n1\r\n")
        try client.command("SET a 2", "GET a")
        tiered.waitForChanges(1)
        try client.command("PING")
        let other = try tiered.server.connect()
        // The value is there already; only what acknowledges it waits.
        try other.command("GET a")
        try other.expect("$1\r\n2\r\n")
        #expect(!client.hasBytes)
        tiered.tier.record()
        try client.expect("+OK\r\n$1\r\n2\r\n+PONG\r\n")
        #expect(tiered.server.statistic("reprise_record_waits_total") == 1)
        client.close()
        other.close()
        tiered.expectNothingLeaked()
    }

    @Test func `each reply waits only for changes up to it`() throws {
        let tiered = try TieredServer(waits: .records)
        try tiered.makeCold("a", "b")
        let client = try tiered.server.connect()
        try client.command("DEL a")
        tiered.waitForChanges(1)
        try client.command("EXPIRE b 1000")
        tiered.waitForChanges(2)
        tiered.tier.record(1)
        try client.expect(":1\r\n")
        #expect(!client.hasBytes)
        tiered.tier.record(1)
        try client.expect(":1\r\n")
        client.close()
        tiered.expectNothingLeaked()
    }

    @Test(arguments: ["FLUSHALL", "PEXPIRE a 0", "GETDEL a", "MSET b 1 a 2", "PERSIST a"])
    func `other commands that change what is behind wait, too`(command: String) throws {
        let tiered = try TieredServer(waits: .records)
        try tiered.makeCold("a")
        let client = try tiered.server.connect()
        try client.command("EXPIRE a 1000")
        tiered.waitForChanges(1)
        tiered.tier.record()
        try client.expect(":1\r\n")
        try client.command(command)
        tiered.waitForChanges(1)
        #expect(!client.hasBytes)
        tiered.tier.record()
        #expect(try client.receive(1).count == 1)
        client.close()
        tiered.expectNothingLeaked()
    }

    @Test func `a change that is not recorded closes the connection unanswered`() throws {
        var limits = ServerLimits.patient
        limits.recordTimeMax = .milliseconds(20)
        let tiered = try TieredServer(limits: limits, waits: .records)
        try tiered.makeCold("a")
        let client = try tiered.server.connect()
        try client.command("DEL a")
        #expect(client.receivesEnd())
        #expect(tiered.server.closed("not_recorded") == 1)
        tiered.tier.record()
        tiered.expectNothingLeaked()
    }

    @Test func `a client that goes while its change is recorded leaks nothing`() throws {
        let tiered = try TieredServer(waits: .records)
        try tiered.makeCold("a", "b")
        let client = try tiered.server.connect()
        try client.command("DEL a", "SET b 1", "GET b")
        tiered.waitForChanges(2)
        client.reset()
        tiered.tier.record()
        tiered.expectNothingLeaked()
    }

    @Test func `a server that drains waits for changes to be recorded`() throws {
        let tiered = try TieredServer(waits: .records)
        try tiered.makeCold("a")
        let client = try tiered.server.connect()
        try client.command("DEL a")
        tiered.waitForChanges(1)
        tiered.server.server.drain()
        tiered.tier.record()
        try client.expect(":1\r\n")
        #expect(client.receivesEnd())
    }

    @Test func `barriers are lifted in any order and move in theirs`() {
        var barriers = RecordBarriers()
        let deadline = ContinuousClock.now
        let numbers = (0..<5).map { barriers.append(at: $0 * 10, deadline: deadline) }
        #expect(barriers.position == 0 && barriers.count == 5)
        let didSecondMove = barriers.lift(numbers[1])
        #expect(!didSecondMove && barriers.position == 0)
        let didFirstMove = barriers.lift(numbers[0])
        #expect(didFirstMove && barriers.position == 20 && barriers.count == 3)
        for index in [2, 3] { _ = barriers.lift(numbers[index]) }
        #expect(barriers.position == 40)
        let last = barriers.append(at: 50, deadline: deadline)
        _ = barriers.lift(last)
        #expect(barriers.position == 40 && barriers.count == 2)
        _ = barriers.lift(numbers[4])
        #expect(barriers.isEmpty && barriers.position == nil)
    }
}
