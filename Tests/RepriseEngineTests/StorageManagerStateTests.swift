import RepriseCore
import Testing

@testable import RepriseEngine

/// What the state machine decides, without threads.
@Suite struct StorageManagerStateTests {
    private func load(_ state: inout StorageManager.StateMachine, _ key: StorageKey) throws
        -> StorageManager.Flight
    {
        guard case .load(let flight) = state.get(key) else {
            Issue.record("the key is being loaded already")
            throw StorageError(.invalidArgument, "not a load")
        }
        return flight
    }

    @Test func `those who come while a key is loaded wait for the same load`() throws {
        var state = StorageManager.StateMachine()
        let flight = try load(&state, "k")
        for _ in 0..<3 {
            guard case .wait(let other) = state.get("k") else {
                Issue.record("a second load")
                return
            }
            #expect(other === flight)
        }
        _ = try load(&state, "another")
        #expect(state.loadEnded("k", flight) == .init(waiterCount: 3, promotes: true))
        _ = try load(&state, "k")
    }

    @Test(arguments: [false, true])
    func `what is put or removed during a load is not promoted, and the next one loads anew`(removes: Bool)
        throws
    {
        var state = StorageManager.StateMachine()
        let old = try load(&state, "k")
        _ = state.get("k")
        if removes {
            state.removalBegan("k")
            state.removalEnded("k")
        } else {
            state.put("k")
        }
        let new = try load(&state, "k")
        #expect(new !== old)
        #expect(state.loadEnded("k", old) == .init(waiterCount: 1, promotes: false))
        #expect(state.loadEnded("k", new) == .init(waiterCount: 0, promotes: true))
        #expect(state.isIdle)
    }

    @Test func `a load that begins while a key is removed is not promoted`() throws {
        var state = StorageManager.StateMachine()
        state.removalBegan("k")
        state.removalBegan("k")
        let first = try load(&state, "k")
        #expect(state.loadEnded("k", first) == .init(waiterCount: 0, promotes: false))
        state.removalEnded("k")
        let second = try load(&state, "k")
        state.removalEnded("k")
        #expect(state.loadEnded("k", second) == .init(waiterCount: 0, promotes: false))
        let third = try load(&state, "k")
        #expect(state.loadEnded("k", third).promotes)
        #expect(state.isIdle)
    }
}
