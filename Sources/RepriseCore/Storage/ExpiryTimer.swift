internal import Glibc

/// A thread that removes what has expired from a backend, and sleeps until something does.
///
/// Values that have expired are not found from that very millisecond on; the timer gives their memory back
/// within ``intervalMilliseconds``.
public final class ExpiryTimer: Sendable {
    /// How long the thread sleeps at least, so that values that expire one by one are removed together.
    public static let intervalMilliseconds: Int64 = 10
    /// How long it sleeps at most while something expires: the time of day may be set meanwhile.
    private static let intervalMillisecondsMax: Int64 = 1000

    /// What the thread is told.
    private final class Signal: Sendable {
        struct State {
            var isStopped = false
            var isWoken = false
        }
        let state = Lock(State())
        let condition = Condition()

        func send(_ change: (inout State) -> Void) {
            state.withLock { change(&$0) }
            condition.signal()
        }

        /// Waits for a message, at most so long; says whether to go on.
        func wait(milliseconds: Int64) -> Bool {
            let isRunning: Bool? = state.withLock(
                waitingFor: condition,
                atMost: .milliseconds(milliseconds)
            ) { state in
                guard state.isStopped || state.isWoken else { return nil }
                state.isWoken = false
                return !state.isStopped
            }
            return isRunning ?? true
        }
    }

    private let store: EntryStore
    private let signal = Signal()
    private let thread: Thread

    /// Starts the thread for a backend; one for each backend.
    public init(_ backend: LocalCPUBackend) {
        store = backend.store
        store.setExpiryWaker { [signal] in signal.send { $0.isWoken = true } }
        thread = Thread(name: "reprise-expiry") { [store, signal] in
            ExpiryTimer.run(store, signal)
        }
    }

    deinit {
        store.setExpiryWaker(nil)
        signal.send { $0.isStopped = true }
        thread.join()
    }

    private static func run(_ store: EntryStore, _ signal: Signal) {
        let clock = store.lock.withLock { $0.wallClock }
        var pause = intervalMilliseconds
        while signal.wait(milliseconds: pause) {
            guard let next = store.removeExpired() else {
                pause = .max
                continue
            }
            let rest = max(0, next - clock.nowMilliseconds)
            pause = min(max(rest, intervalMilliseconds), intervalMillisecondsMax)
        }
    }
}
