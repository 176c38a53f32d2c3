internal import RepriseCore
public import RepriseRemote
internal import Synchronization

/// Measures a server over several connections at the same time, one thread each.
public final class Bench {
    /// How far a phase is.
    public struct Progress: Sendable {
        /// The phase.
        public let phase: BenchPhase
        /// Operations finished, over all connections.
        public let completedCount: Int
        /// Time since the phase began.
        public let elapsedSeconds: Double
    }

    private static let progressIntervalMilliseconds = 200

    private let configuration: BenchConfiguration
    private let workers: [BenchWorker]

    /// Makes all connections and touches all buffers.
    ///
    /// - Precondition: ``BenchConfiguration/problem`` is `nil`.
    /// - Throws: ``RemoteError`` of the first connection that cannot be made.
    public init(_ configuration: BenchConfiguration) throws(RemoteError) {
        precondition(configuration.problem == nil, configuration.problem ?? "")
        self.configuration = configuration
        var workers: [BenchWorker] = []
        let (count, keyCount) = (configuration.connectionCount, configuration.keyCount)
        for index in 0..<count {
            let keyNumbers = (keyCount * index / count)..<(keyCount * (index + 1) / count)
            workers.append(try BenchWorker(configuration, keyNumbers: keyNumbers))
        }
        self.workers = workers
    }

    /// Runs one phase after another and returns their results.
    ///
    /// A mixed phase that reads stores every key once before it starts; that is not measured.
    ///
    /// - Parameter onProgress: Called about five times a second while a phase runs, from the calling thread.
    /// - Throws: ``RemoteError`` of a connection that failed; the others finish the phase first.
    public func run(onProgress: ((Progress) -> Void)? = nil) throws(RemoteError) -> [PhaseResult] {
        var results: [PhaseResult] = []
        for phase in configuration.phases {
            if phase.needsStoredKeys { for worker in workers { try worker.storeAll() } }
            results.append(try run(phase, onProgress))
        }
        return results
    }

    private func run(_ phase: BenchPhase, _ onProgress: ((Progress) -> Void)?) throws(RemoteError)
        -> PhaseResult
    {
        let barrier = StartBarrier(threadCount: workers.count)
        let runningCount = Counter(workers.count)
        let threads = workers.enumerated().map { index, worker in
            let task = BenchWorker.Task(phase: phase, amount: share(index), seed: UInt64(index))
            return WorkerThread {
                worker.run(task, after: barrier)
                runningCount.value.subtract(1, ordering: .releasing)
            }
        }
        if let onProgress { report(phase, while: runningCount, onProgress) }
        for thread in threads { thread.join() }
        if let failure = workers.lazy.compactMap(\.failure).first { throw failure }
        return result(phase)
    }

    private final class Counter: Sendable {
        let value: Atomic<Int>
        init(_ count: Int) { value = Atomic(count) }
    }

    private func report(_ phase: BenchPhase, while running: Counter, _ onProgress: (Progress) -> Void) {
        let start = MonotonicTime.nanoseconds()
        while running.value.load(ordering: .acquiring) > 0 {
            MonotonicTime.sleep(milliseconds: Bench.progressIntervalMilliseconds)
            let completedCount = workers.reduce(0) { $0 + $1.completedCount.load(ordering: .relaxed) }
            let elapsed = Double(MonotonicTime.nanoseconds() - start) / 1e9
            onProgress(Progress(phase: phase, completedCount: completedCount, elapsedSeconds: elapsed))
        }
    }

    /// A worker's part of the amount.
    private func share(_ index: Int) -> BenchConfiguration.Amount {
        guard case .operations(let total) = configuration.amount else { return configuration.amount }
        return .operations(total * (index + 1) / workers.count - total * index / workers.count)
    }

    private func result(_ phase: BenchPhase) -> PhaseResult {
        var operations = phase.shares.map { OperationResult($0.operation) }
        for worker in workers {
            for index in operations.indices { operations[index].merge(worker.results[index]) }
        }
        let start = workers.map(\.startNanoseconds).min() ?? 0
        let end = workers.map(\.endNanoseconds).max() ?? 0
        return PhaseResult(wallSeconds: Double(end - start) / 1e9, operations: operations)
    }
}
