import Testing

@testable import RepriseCore

/// Waiting for a chunk. None of these measures time: a wake-up that is lost hangs the test.
@Suite struct PoolsWaitingTests {
    static func makePool(chunkCount: Int) throws -> LocalCPUBufferPool {
        try LocalCPUBufferPool(.small(chunkCount: chunkCount), pinning: .never)
    }

    /// Runs `body` on a thread that may block, and returns what it returned.
    static func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) throws -> Result {
        let outcome = Lock<Swift.Result<Result, any Error>?>(nil)
        Thread(name: "pool-waiter") {
            let result = Swift.Result { try body() }
            outcome.withLock { $0 = result }
        }.join()
        return try #require(outcome.withLock { $0 }).get()
    }

    @Test func `a free chunk is had without waiting, also inside a task`() throws {
        let pool = try Self.makePool(chunkCount: 1)
        let object = try pool.allocate(tokenCount: 5, waitingAtMost: .seconds(86_400))
        #expect(object?.slot == 0)
    }

    @Test(arguments: [Duration.seconds(-1), .zero, .nanoseconds(1), .milliseconds(2)])
    func `nobody frees a chunk, so the wait ends with nil`(limit: Duration) throws {
        let pool = try Self.makePool(chunkCount: 1)
        let object = try #require(try pool.allocate(tokenCount: 5))
        let isEmpty = try Self.onThread { try pool.allocate(tokenCount: 5, waitingAtMost: limit) == nil }
        #expect(isEmpty)
        #expect(pool.free(object))
        #expect(pool.freeChunkCount == 1)
    }

    @Test(arguments: [Duration.seconds(86_400), .seconds(Int64.max)])
    func `a waiting thread is woken by a free`(limit: Duration) throws {
        let pool = try Self.makePool(chunkCount: 1)
        let object = try #require(try pool.allocate(tokenCount: 5))
        let slot = Lock<Int?>(nil)
        let thread = Thread(name: "pool-waiter") {
            let object = try? pool.allocate(tokenCount: 3, waitingAtMost: limit)
            slot.withLock { $0 = object?.slot }
        }
        #expect(pool.free(object))
        thread.join()
        #expect(slot.withLock { $0 } == 0)
        #expect(pool.freeChunkCount == 1)
    }

    @Test func `a waiting thread is woken by an object that nobody refers to`() throws {
        let pool = try Self.makePool(chunkCount: 1)
        let held = Lock<KVObject?>(try pool.allocate(tokenCount: 5))
        let isGiven = Lock(false)
        let thread = Thread(name: "pool-waiter") {
            let object = try? pool.allocate(tokenCount: 3, waitingAtMost: .seconds(86_400))
            isGiven.withLock { $0 = object != nil }
        }
        // The object is destroyed outside the critical section.
        _ = held.withLock { $0.take() }
        thread.join()
        #expect(isGiven.withLock { $0 })
    }

    @Test(arguments: 0..<20)
    func `a waiting thread is woken when the last copy of a freed chunk ends`(round: Int) throws {
        let store = try LocalCPUPool(.small(chunkCount: 1), pinning: .never).store
        let object = try #require(try store.allocate(tokenCount: 5))
        try store.beginAccess(.read, to: object.ticket)
        let slot = Lock<Int?>(nil)
        let thread = Thread(name: "pool-waiter") {
            let object = try? store.allocate(tokenCount: 3, waitingAtMost: .seconds(86_400))
            slot.withLock { $0 = object?.slot }
        }
        #expect(store.free(object))
        store.endAccess(.read, to: object.ticket)
        thread.join()
        #expect(slot.withLock { $0 } == 0)
    }

    @Test func `fifty threads take turns at two chunks`() throws {
        let pool = try Self.makePool(chunkCount: 2)
        let count = Lock(0)
        let threads = (0..<50).map { number in
            Thread(name: "pool-\(number)") {
                for _ in 0..<40 {
                    let object = try? pool.allocate(tokenCount: 1, waitingAtMost: .seconds(86_400))
                    guard let object, pool.free(object) else { continue }
                    count.withLock { $0 += 1 }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(count.withLock { $0 } == 2_000)
        #expect(pool.freeChunkCount == 2)
    }

    @Test(arguments: [0, 6]) func `a wait for no chunk's tokens is refused`(tokenCount: Int) throws {
        let pool = try Self.makePool(chunkCount: 1)
        #expect { try pool.allocate(tokenCount: tokenCount, waitingAtMost: .zero) } throws: {
            ($0 as? StorageError)?.code == .invalidArgument
        }
    }

    @Test func `waiting inside a task traps`() async {
        await #expect(processExitsWith: .failure) {
            let pool = try PoolsWaitingTests.makePool(chunkCount: 1)
            let object = try pool.allocate(tokenCount: 5)
            _ = try pool.allocate(tokenCount: 5, waitingAtMost: .milliseconds(1))
            _ = object
        }
    }
}
