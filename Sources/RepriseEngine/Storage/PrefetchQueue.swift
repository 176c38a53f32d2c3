internal import RepriseCore

/// Threads that load what nobody waits for yet.
final class PrefetchQueue: Sendable {
    private struct State {
        var requests = Fifo<@Sendable () -> Void>()
        var isClosed = false
    }

    private final class Shared: Sendable {
        let state = Lock(State())
        let condition = Condition()
    }

    private let shared = Shared()
    private let threads = Lock<[Thread]>([])
    private let limits: StorageManagerLimits

    /// Creates a queue whose threads are started with its first request.
    init(_ limits: StorageManagerLimits) { self.limits = limits }

    deinit {
        // Nobody waits for them any more.
        for thread in threads.withLock({ $0 }) { thread.detach() }
    }

    /// Queues a request; `false` when too many wait, or the queue is closed.
    func submit(_ request: @escaping @Sendable () -> Void) -> Bool {
        let isQueued = shared.state.withLock { state in
            guard !state.isClosed, state.requests.count < limits.prefetchCountMax else { return false }
            state.requests.append(request)
            return true
        }
        guard isQueued else { return false }
        threads.withLock { threads in
            guard threads.isEmpty else { return }
            threads = (0..<limits.prefetchThreadCount).map { [shared] index in
                Thread(name: "reprise-fetch-\(index)") { Self.run(shared) }
            }
        }
        shared.condition.signal()
        return true
    }

    /// Lets the threads end when they have carried out what waits.
    func beginClosing() {
        shared.state.withLock { $0.isClosed = true }
        shared.condition.broadcast()
    }

    /// Carries out what waits, and ends the threads; calling it again does nothing.
    func close() {
        beginClosing()
        let threads = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in threads { thread.join() }
    }

    private static func run(_ shared: Shared) {
        while true {
            let next: (@Sendable () -> Void)?? = shared.state.withLock(
                waitingFor: shared.condition,
                atMost: .seconds(3600)
            ) { state in
                if let request = state.requests.popFirst() { return .some(request) }
                return state.isClosed ? .some(nil) : nil
            }
            guard let next else { continue }
            guard let request = next else { return }
            request()
        }
    }
}
