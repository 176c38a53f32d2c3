import RepriseCore
import RepriseNode
import RepriseRemote
import RepriseTesting
import Testing

/// What comes from elsewhere while its key is put, removed or asked for by others.
struct TierStackTests {
    /// A store whose only value comes when it is let go.
    private final class HeldConnector: RemoteConnector {
        let gate: Gate
        var deadline: ContinuousClock.Instant?

        init(_ gate: Gate) { self.gate = gate }

        func ping() throws(RemoteError) {}
        func exists(_ keys: [StorageKey]) throws(RemoteError) -> [Bool] { keys.map { _ in true } }
        func get(_ key: StorageKey, _ allocate: RemoteAllocation) throws(RemoteError) -> RemoteValue {
            gate.pass()
            guard let object = allocate(100, .plain(byteCount: 100)) else { return .outOfMemory }
            object.copy(from: TestMemory.bytes(100, seed: 1).rawSpan)
            return .found(object)
        }
        func put(_ key: StorageKey, _ object: MemoryObject) throws(RemoteError) {}
        func remove(_ key: StorageKey) throws(RemoteError) -> Bool { true }
        func list() throws(RemoteError) -> [StorageKey] { [] }
        func close() {}
    }

    /// Counts those who come, and lets them through once it is open.
    private final class Gate: Sendable {
        private let state = Lock((arrived: 0, isOpen: false))
        private let condition = Condition()

        func pass() {
            state.withLock { $0.arrived += 1 }
            condition.broadcast()
            _ = state.withLock(waitingFor: condition, atMost: .seconds(20)) { $0.isOpen ? true : nil }
        }

        func open() {
            state.withLock { $0.isOpen = true }
            condition.broadcast()
        }

        /// Waits until somebody has come.
        func waitForArrival() {
            _ = state.withLock(waitingFor: condition, atMost: .seconds(20)) { $0.arrived > 0 ? true : nil }
        }

        var arrivedCount: Int { state.withLock { $0.arrived } }
    }

    private let memory: LocalCPUBackend
    private let stack: TierStack
    private let gate = Gate()

    init() throws {
        memory = try TestMemory.make(byteCount: 8 << 20)
        let remote = RemoteBackend(memory: memory) { [gate] in HeldConnector(gate) }
        stack = TierStack(memory: memory, disk: nil, peers: nil, remote: remote, directory: nil)
        memory.attach(stack)
    }

    /// Begins a load, which has got as far as the store when this returns.
    private func beginLoad(_ key: StorageKey) -> PrefetchTask {
        let task = PrefetchTask()
        stack.load(key) { task.end($0) }
        gate.waitForArrival()
        return task
    }

    private func put(_ key: StorageKey, seed: Int) throws {
        let object = try TestMemory.object(memory, .plain(byteCount: 100), seed: seed)
        memory.submitPutTask(key, object)
        object.release()
    }

    private func take(_ task: PrefetchTask) -> [UInt8]? {
        TestMemory.take(Threads.map(1) { _ in task.wait() }[0])
    }

    @Test func `a put that overtakes a load wins`() throws {
        let task = beginLoad("k")
        try put("k", seed: 2)
        gate.open()
        #expect(take(task) == nil)
        #expect(TestMemory.take(memory.getBlocking("k")) == TestMemory.bytes(100, seed: 2))
        stack.close()
    }

    @Test func `a removal that overtakes a load wins`() throws {
        let task = beginLoad("k")
        memory.remove("k")
        gate.open()
        #expect(take(task) == nil)
        #expect(!memory.contains("k"))
        stack.close()
    }

    @Test func `removing everything overtakes every load`() throws {
        let task = beginLoad("k")
        memory.removeAll()
        gate.open()
        #expect(take(task) == nil)
        #expect(!memory.contains("k"))
        stack.close()
    }

    @Test func `one load serves everybody`() throws {
        let task = beginLoad("k")
        let others = (0..<5).map { _ in
            let task = PrefetchTask()
            stack.load("k") { task.end($0) }
            return task
        }
        gate.open()
        for task in [task] + others { #expect(take(task) == TestMemory.bytes(100, seed: 1)) }
        #expect(gate.arrivedCount == 1)
        #expect(memory.isInMemory("k"))
        stack.close()
    }

    @Test func `whoever waits for a stack that closes finds nothing, and no memory is lost`() throws {
        let task = beginLoad("k")
        let closing = Thread(name: "close") { [stack] in stack.close() }
        gate.open()
        _ = take(task)
        closing.join()
        let late = PrefetchTask()
        stack.load("k") { late.end($0) }
        #expect(take(late) == nil)
        memory.remove("k")
        #expect(memory.pool.usedByteCount == 0)
    }
}
