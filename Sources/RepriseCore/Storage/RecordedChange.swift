/// A withdrawal or another change of what slower storage knows, which is to be recorded there before its
/// effect is acknowledged: a replaced or removed value must not come back after the death of the process.
public final class RecordedChange: Sendable {
    private struct State {
        var pendingCount: Int
        var callbacks: [@Sendable () -> Void] = []
    }

    private let state: Lock<State>

    /// Creates a change of so many parts that are still to be recorded.
    public init(pendingCount: Int) {
        state = Lock(State(pendingCount: pendingCount))
    }

    /// Whether every part is recorded.
    public var isRecorded: Bool { state.withLock { $0.pendingCount == 0 } }

    /// Adds a part that is still to be recorded.
    ///
    /// - Precondition: not every part is recorded yet, or nobody has been told so.
    public func addPart() { state.withLock { $0.pendingCount += 1 } }

    /// Notes that a part is recorded; call it without a lock held.
    public func recordPart() {
        let callbacks = state.withLock { state -> [@Sendable () -> Void] in
            precondition(state.pendingCount > 0, "more parts recorded than there are")
            state.pendingCount -= 1
            guard state.pendingCount == 0 else { return [] }
            defer { state.callbacks = [] }
            return state.callbacks
        }
        for callback in callbacks { callback() }
    }

    /// Calls back once every part is recorded: at once, on this thread, if that is so already.
    public func whenRecorded(_ callback: @escaping @Sendable () -> Void) {
        let isRecorded = state.withLock { state in
            if state.pendingCount > 0 { state.callbacks.append(callback) }
            return state.pendingCount == 0
        }
        if isRecorded { callback() }
    }
}
