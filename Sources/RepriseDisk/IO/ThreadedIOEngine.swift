internal import RepriseCore

/// Carries out requests on threads of its own.
///
/// Requests go by priority; after ``favouredCountMax`` requests in a row that went before a waiting write or
/// background request, that goes. Of several threads one takes no writes and nothing from the background, so
/// that calls which hang there leave somebody for the reads.
public final class ThreadedIOEngine: IOEngine {
    /// How many requests may go before one of lower priority that waits.
    public static let favouredCountMax = 16

    fileprivate struct State {
        var queues: [Queue] = IORequest.Priority.allCases.map { _ in Queue() }
        var isClosed = false
        var favouredCount = 0
        /// When the requests that run have begun, by thread.
        var starts: [ContinuousClock.Instant?]
    }

    /// Requests of one priority.
    fileprivate struct Queue {
        private var requests: [IORequest] = []
        private var head = 0

        var isEmpty: Bool { head == requests.count }

        mutating func append(_ request: IORequest) { requests.append(request) }

        mutating func popFirst() -> IORequest? {
            guard head < requests.count else { return nil }
            defer {
                head += 1
                if head == requests.count || head > 64 && head * 2 > requests.count {
                    requests.removeFirst(head)
                    head = 0
                }
            }
            return requests[head]
        }
    }

    private let shared: Shared
    private let threads: [Thread]

    private final class Shared: Sendable {
        let state: Lock<State>
        let condition = Condition()

        init(threadCount: Int) {
            state = Lock(State(starts: Array(repeating: nil, count: threadCount)))
        }
    }

    /// Starts the threads.
    ///
    /// - Parameter name: What the threads are called, at most 12 characters.
    /// - Precondition: at least one thread.
    public init(threadCount: Int, name: String = "reprise-io") {
        precondition(threadCount > 0, "an engine has at least one thread")
        let shared = Shared(threadCount: threadCount)
        self.shared = shared
        threads = (0..<threadCount).map { index in
            // The first thread of several is for those that somebody waits for.
            let isGeneral = index > 0 || threadCount == 1
            return Thread(name: "\(name)-\(index)") {
                ThreadedIOEngine.run(shared, index: index, isGeneral: isGeneral)
            }
        }
    }

    /// Queues a request.
    public func submit(_ request: IORequest) {
        shared.state.withLock { state in
            if !state.isClosed { state.queues[request.priority.rawValue].append(request) }
        }
        shared.condition.broadcast()
    }

    /// How long the longest call that has not returned has taken so far.
    public var longestRunMilliseconds: Int64 {
        let now = ContinuousClock.now
        return shared.state.withLock { state in
            let first = state.starts.compactMap { $0 }.min()
            return first.map { Int64(($0.duration(to: now)) / .milliseconds(1)) } ?? 0
        }
    }

    /// Waits until every request has ended, and ends the threads. Call it once.
    public func close() {
        shared.state.withLock { $0.isClosed = true }
        shared.condition.broadcast()
        for thread in threads { thread.join() }
    }

    private static func run(_ shared: Shared, index: Int, isGeneral: Bool) {
        while let request = next(shared, index: index, isGeneral: isGeneral) {
            request.perform()
            shared.state.withLock { $0.starts[index] = nil }
        }
    }

    private static func next(_ shared: Shared, index: Int, isGeneral: Bool) -> IORequest? {
        while true {
            let found: IORequest?? = shared.state.withLock(
                waitingFor: shared.condition,
                atMost: .seconds(3600)
            ) { state in
                if let request = state.popNext(isGeneral: isGeneral) {
                    state.starts[index] = ContinuousClock.now
                    return .some(request)
                }
                return state.isClosed ? .some(nil) : nil
            }
            if let found { return found }
        }
    }
}

extension ThreadedIOEngine.State {
    mutating func popNext(isGeneral: Bool) -> IORequest? {
        if isGeneral, favouredCount >= ThreadedIOEngine.favouredCountMax {
            favouredCount = 0
            // The lowest first: what comes before it has had its turns.
            for priority in IORequest.Priority.allCases.reversed() {
                if let request = queues[priority.rawValue].popFirst() { return request }
            }
        }
        for priority in IORequest.Priority.allCases where isGeneral || priority < .write {
            guard let request = queues[priority.rawValue].popFirst() else { continue }
            let isWaiting = IORequest.Priority.allCases.contains {
                $0 > priority && !queues[$0.rawValue].isEmpty
            }
            favouredCount = isWaiting ? favouredCount + 1 : 0
            return request
        }
        return nil
    }
}
