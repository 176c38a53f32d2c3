import RepriseCore
import Testing

/// Calls that break a precondition.
@Suite struct EvictorTrapTests {
    static let policies = [EvictionPolicy.lru, .lfu, .fifo, .mru].map(\.rawValue)

    static func evictor(_ name: String) throws -> any Evictor {
        let evictor = try EvictionPolicy(name: name).makeEvictor()
        evictor.insert(0)
        evictor.insert(1)
        evictor.suspend(1)
        return evictor
    }

    @Test(arguments: policies)
    func `inserting an entry twice traps`(policy: String) async {
        await #expect(processExitsWith: .failure) { [policy] in try Self.evictor(policy).insert(0) }
    }

    @Test(arguments: policies)
    func `inserting a suspended entry traps`(policy: String) async {
        await #expect(processExitsWith: .failure) { [policy] in try Self.evictor(policy).insert(1) }
    }

    @Test(arguments: policies)
    func `suspending an entry twice traps`(policy: String) async {
        await #expect(processExitsWith: .failure) { [policy] in try Self.evictor(policy).suspend(1) }
    }

    @Test(arguments: policies)
    func `resuming a candidate traps`(policy: String) async {
        await #expect(processExitsWith: .failure) { [policy] in try Self.evictor(policy).resume(0) }
    }

    @Test(arguments: policies)
    func `a hit of an absent entry traps`(policy: String) async {
        await #expect(processExitsWith: .failure) { [policy] in try Self.evictor(policy).recordHit(9) }
    }

    @Test(arguments: policies)
    func `removing an absent entry traps`(policy: String) async {
        await #expect(processExitsWith: .failure) { [policy] in try Self.evictor(policy).remove(2) }
    }

    @Test(arguments: policies)
    func `asking for the candidate after a suspended entry traps`(policy: String) async {
        await #expect(processExitsWith: .failure) { [policy] in
            _ = try Self.evictor(policy).candidate(after: 1)
        }
    }
}
