public import RepriseCore
public import RepriseDisk

/// Holds requests until a test runs them, one at a time, on the test's own thread.
public final class SimulatedIOEngine: IOEngine {
    private struct State {
        var requests: [IORequest] = []
        var isClosed = false
        var longestRunMilliseconds: Int64 = 0
    }

    private let state = Lock(State())

    /// Creates an engine without requests.
    public init() {}

    /// Keeps a request.
    public func submit(_ request: IORequest) {
        state.withLock { if !$0.isClosed { $0.requests.append(request) } }
    }

    /// How many requests wait.
    public var pendingCount: Int { state.withLock { $0.requests.count } }

    /// Runs a request chosen at random; `false` when there is none.
    public func runOne(using generator: inout SeededGenerator) -> Bool {
        let request = state.withLock { state -> IORequest? in
            guard !state.requests.isEmpty else { return nil }
            return state.requests.remove(at: Int.random(in: 0..<state.requests.count, using: &generator))
        }
        request?.perform()
        return request != nil
    }

    /// Runs requests, those of a lower priority number first, until none is left.
    public func runAll() {
        while let request = takeFirst() { request.perform() }
    }

    private func takeFirst() -> IORequest? {
        state.withLock { state in
            guard
                let first = state.requests.indices.min(by: {
                    (state.requests[$0].priority, $0) < (state.requests[$1].priority, $1)
                })
            else { return nil }
            return state.requests.remove(at: first)
        }
    }

    /// Forgets what was not run, and takes no more: the process has died.
    public func dropAll() {
        state.withLock { state in
            state.requests = []
            state.isClosed = true
        }
    }

    /// What a test says that the longest call takes.
    public var longestRunMilliseconds: Int64 {
        get { state.withLock { $0.longestRunMilliseconds } }
        set { state.withLock { $0.longestRunMilliseconds = newValue } }
    }

    /// Runs what waits, and takes no more.
    public func close() {
        runAll()
        state.withLock { $0.isClosed = true }
    }
}

/// A clock that stands still until a test moves it.
public final class SimulatedClock: Sendable {
    private let milliseconds: Lock<Int64>

    /// Creates a clock at a time in milliseconds since 1970.
    public init(milliseconds: Int64 = 1_700_000_000_000) {
        self.milliseconds = Lock(milliseconds)
    }

    /// The time, in milliseconds since 1970.
    public var now: Int64 { milliseconds.withLock { $0 } }

    /// Moves the clock on.
    public func advance(milliseconds step: Int64) { milliseconds.withLock { $0 += step } }

    /// The clock as backends take it.
    public var wallClock: WallClock { WallClock { self.now } }
}
