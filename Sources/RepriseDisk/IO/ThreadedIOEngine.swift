internal import Glibc
internal import RepriseCore

/// Carries out requests on threads of its own.
///
/// Requests go by priority; after ``favouredCountMax`` requests in a row that went before a waiting write or
/// background request, that goes. Of several threads one takes no writes and nothing from the background, so
/// that calls which hang there leave somebody for the reads.
///
/// A request that another one submits before it returns goes to the same thread, if no other one is ahead of
/// it: nobody is woken for it. Threads that would only wait for a request's end may help.
public final class ThreadedIOEngine: IOEngine {
    /// How many requests may go before one of lower priority that waits.
    public static let favouredCountMax = 16

    private let shared: Shared
    private let threads: [Thread]

    private final class Shared: Sendable {
        let state: Lock<State>
        /// One for each thread, so that one that may take a request is woken, and no other.
        let conditions: [Condition]

        init(threadCount: Int) {
            let workers = (0..<threadCount).map { Worker(isGeneral: $0 > 0 || threadCount == 1) }
            state = Lock(State(workers: workers))
            conditions = workers.map { _ in Condition() }
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
            Thread(name: "\(name)-\(index)") { ThreadedIOEngine.run(shared, index: index) }
        }
    }

    /// Queues a request.
    public func submit(_ request: IORequest) {
        let caller = pthread_self()
        let woken = shared.state.withLock { state -> Int? in
            guard !state.isClosed else { return nil }
            state.queues[request.priority.rawValue].append(request)
            return state.workerToWake(for: request.priority, caller: caller)
        }
        if let woken { shared.conditions[woken].signal() }
    }

    /// Lets the calling thread carry out requests until none waits or `isDone` says so.
    public func assist(_ begin: () -> Void, until isDone: () -> Bool) {
        let identifier = pthread_self()
        // A request's own thread that waits is one of the engine's already.
        let isGuest = shared.state.withLock { $0.addGuest(identifier) }
        begin()
        guard isGuest else { return }
        while !isDone(), let request = shared.state.withLock({ $0.popNext(forGuest: identifier) }) {
            request.perform()
        }
        if let woken = shared.state.withLock({ $0.removeGuest(identifier) }) {
            shared.conditions[woken].signal()
        }
    }

    /// How long the longest call that has not returned has taken so far.
    public var longestRunMilliseconds: Int64 {
        let now = ContinuousClock.now
        return shared.state.withLock { state in
            let first = (state.workers + state.guests).compactMap(\.start).min()
            return first.map { Int64(($0.duration(to: now)) / .milliseconds(1)) } ?? 0
        }
    }

    /// Waits until every request has ended, and ends the threads. Call it once.
    public func close() {
        shared.state.withLock { $0.isClosed = true }
        for condition in shared.conditions { condition.broadcast() }
        for thread in threads { thread.join() }
    }

    private static func run(_ shared: Shared, index: Int) {
        let identifier = pthread_self()
        shared.state.withLock { $0.workers[index].identifier = identifier }
        while let request = next(shared, index: index) { request.perform() }
    }

    private static func next(_ shared: Shared, index: Int) -> IORequest? {
        while true {
            let found: (IORequest?, woken: Int?)? = shared.state.withLock(
                waitingFor: shared.conditions[index],
                atMost: .seconds(3600)
            ) { state in
                if let request = state.popNext(for: index) { return (request, state.nextToWake()) }
                return state.isClosed ? (nil, nil) : nil
            }
            guard let found else { continue }
            if let woken = found.woken { shared.conditions[woken].signal() }
            return found.0
        }
    }
}

extension ThreadedIOEngine {
    /// What one thread does.
    fileprivate struct Worker {
        /// Whether it takes writes and what comes from the background, too.
        let isGeneral: Bool
        var identifier: pthread_t?
        /// When the request that runs has begun.
        var start: ContinuousClock.Instant?
        /// Whether it waits for requests, and nobody has woken it.
        var isIdle = false
        /// Whether it was woken and has not looked for a request yet.
        var isWoken = false
        /// Whether a request waits that it has submitted itself.
        var hasNext = false

        init(isGeneral: Bool) { self.isGeneral = isGeneral }

        func mayTake(_ priority: IORequest.Priority) -> Bool { isGeneral || priority < .write }

        /// Whether the thread takes a request that it has just submitted.
        mutating func claims(_ priority: IORequest.Priority) -> Bool {
            guard !hasNext, mayTake(priority) else { return false }
            hasNext = true
            return true
        }
    }

    fileprivate struct State {
        var queues: [Queue] = IORequest.Priority.allCases.map { _ in Queue() }
        var isClosed = false
        var favouredCount = 0
        var workers: [Worker]
        /// Threads that help.
        var guests: [Worker] = []

        init(workers: [Worker]) { self.workers = workers }
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
}

extension ThreadedIOEngine.State {
    /// The idle thread that takes a request which was just queued; `nil` when there is none, or when the
    /// caller itself takes it.
    mutating func workerToWake(for priority: IORequest.Priority, caller: pthread_t) -> Int? {
        if let own = workers.firstIndex(where: { $0.identifier == caller }) {
            if workers[own].claims(priority) { return nil }
        } else if let own = guests.firstIndex(where: { $0.identifier == caller }) {
            if priority < .background, guests[own].claims(priority) { return nil }
        }
        return wakeIdle(for: priority)
    }

    /// Counts a thread among those that help; `false` if it is one of the engine's, or helps already.
    mutating func addGuest(_ identifier: pthread_t) -> Bool {
        guard !(workers + guests).contains(where: { $0.identifier == identifier }) else { return false }
        var guest = ThreadedIOEngine.Worker(isGeneral: true)
        guest.identifier = identifier
        guests.append(guest)
        return true
    }

    /// The next request for a thread that helps; none from the background.
    mutating func popNext(forGuest identifier: pthread_t) -> IORequest? {
        guard let index = guests.firstIndex(where: { $0.identifier == identifier }) else { return nil }
        guests[index].hasNext = false
        guests[index].start = nil
        for priority in IORequest.Priority.allCases where priority < .background {
            guard let request = queues[priority.rawValue].popFirst() else { continue }
            guests[index].start = ContinuousClock.now
            return request
        }
        return nil
    }

    /// Lets a thread go that has helped; returns the idle one that takes what it would have taken next.
    mutating func removeGuest(_ identifier: pthread_t) -> Int? {
        guests.removeAll { $0.identifier == identifier }
        return nextToWake()
    }

    /// Another idle thread for what is left, when no woken one that may take it is on its way.
    mutating func nextToWake() -> Int? {
        for priority in IORequest.Priority.allCases where !queues[priority.rawValue].isEmpty {
            guard !workers.contains(where: { $0.isWoken && $0.mayTake(priority) }) else { continue }
            if let index = wakeIdle(for: priority) { return index }
        }
        return nil
    }

    private mutating func wakeIdle(for priority: IORequest.Priority) -> Int? {
        // The first thread can take nothing but reads and records, so that these go to it first.
        guard let index = workers.firstIndex(where: { $0.isIdle && $0.mayTake(priority) }) else { return nil }
        workers[index].isIdle = false
        workers[index].isWoken = true
        return index
    }

    /// The next request for a thread; without one it is idle.
    mutating func popNext(for index: Int) -> IORequest? {
        workers[index].isWoken = false
        workers[index].hasNext = false
        let request = popNext(isGeneral: workers[index].isGeneral)
        workers[index].isIdle = request == nil
        workers[index].start = request == nil ? nil : ContinuousClock.now
        return request
    }

    private mutating func popNext(isGeneral: Bool) -> IORequest? {
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
