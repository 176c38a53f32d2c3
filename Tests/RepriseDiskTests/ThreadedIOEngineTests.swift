import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseDisk

@Suite struct ThreadedIOEngineTests {
    /// Numbers that requests leave behind, in the order in which they ran.
    private final class Record: Sendable {
        private let numbers = Lock<[Int]>([])

        func append(_ number: Int) { numbers.withLock { $0.append(number) } }

        var all: [Int] { numbers.withLock { $0 } }
    }

    @Test(arguments: [1, 2, 4], [1, 8])
    func `every request runs once, whoever submits it`(threadCount: Int, submitterCount: Int) {
        let engine = ThreadedIOEngine(threadCount: threadCount)
        let record = Record()
        let count = 500
        _ = Threads.map(submitterCount) { submitter in
            for number in 0..<count {
                let priority = IORequest.Priority.allCases[number % 4]
                engine.submit(IORequest(priority: priority) { record.append(submitter * count + number) })
            }
        }
        engine.close()
        #expect(record.all.sorted() == Array(0..<submitterCount * count))
    }

    @Test(arguments: [1, 2, 4])
    func `requests that submit others lose none`(threadCount: Int) {
        let engine = ThreadedIOEngine(threadCount: threadCount)
        let record = Record()
        let (chainCount, length) = (16, 50)
        let tasks = (0..<chainCount).map { _ in BackendTask<Bool>() }
        // Each has two followers, of which one is a write: not every thread may take it.
        @Sendable func submit(_ chain: Int, _ left: Int) {
            engine.submit(
                IORequest(priority: left % 2 == 0 ? .record : .write) {
                    record.append(left)
                    guard left > 0 else { return tasks[chain].end(true) }
                    engine.submit(IORequest(priority: .read) { record.append(-1) })
                    submit(chain, left - 1)
                }
            )
        }
        for chain in 0..<chainCount { submit(chain, length) }
        let ended = TestDisk.blocking { tasks.map { $0.wait() } }
        engine.close()
        #expect(ended == Array(repeating: true, count: chainCount))
        #expect(record.all.count == chainCount * (2 * length + 1))
    }

    @Test(arguments: 0..<20)
    func `a thread that waits helps, and leaves nothing behind`(round: Int) {
        let engine = ThreadedIOEngine(threadCount: 2)
        let tasks = (0..<8).map { _ in
            BackendTask<Bool> { isDone in engine.assist({}, until: isDone) }
        }
        let followers = (0..<8).map { _ in BackendTask<Bool>() }
        // The last thing that a request does is to submit another one, which the waiting thread claims.
        let work: @Sendable (Int) -> Void = { number in
            engine.submit(
                IORequest(priority: .write) {
                    engine.submit(IORequest(priority: .write) { followers[number].end(true) })
                    tasks[number].end(true)
                }
            )
        }
        let ended = Threads.map(4) { thread in
            (0..<2).map { index -> Bool in
                let number = thread * 2 + index
                work(number)
                return tasks[number].wait() && followers[number].wait()
            }
        }
        #expect(ended.joined().allSatisfy { $0 })
        engine.close()
    }

    @Test func `a helper begins with what it submits, and takes nothing from the background`() {
        let engine = ThreadedIOEngine(threadCount: 1)
        let (isBusy, mayEnd) = (BackendTask<Bool>(), BackendTask<Bool>())
        let record = Record()
        engine.submit(
            IORequest(priority: .read) {
                isBusy.end(true)
                _ = mayEnd.wait()
            }
        )
        _ = Threads.map(1) { _ in
            _ = isBusy.wait()
            engine.submit(IORequest(priority: .background) { record.append(2) })
            engine.assist(
                { engine.submit(IORequest(priority: .write) { record.append(1) }) },
                until: { false }
            )
        }
        #expect(record.all == [1])
        mayEnd.end(true)
        engine.close()
        #expect(record.all == [1, 2])
    }
}
