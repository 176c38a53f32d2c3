internal import RepriseCore

/// An answer that somebody waits for, but not for ever.
final class RemoteCall<Answer: Sendable>: Sendable {
    private struct State {
        var answer: Answer?
        var isGivenUp = false
    }

    private let state = Lock(State())
    private let condition = Condition()

    /// Gives the answer; `false` when nobody waits for it any more, and it is the caller's to clean up.
    func end(_ answer: Answer) -> Bool {
        let isAwaited = state.withLock { state in
            guard !state.isGivenUp else { return false }
            state.answer = answer
            return true
        }
        condition.signal()
        return isAwaited
    }

    /// Waits for the answer; `nil` when it has not come in time, and then it never does.
    ///
    /// - Precondition: not called inside a Swift task, whose thread must not block; this traps there.
    func wait(atMost limit: Duration) -> Answer? {
        // SAFETY: the task is looked at, and not kept.
        precondition(unsafe withUnsafeCurrentTask { unsafe $0 == nil }, "a call would block a task's thread")
        let answer = state.withLock(waitingFor: condition, atMost: limit) { $0.answer }
        if let answer { return answer }
        return state.withLock { state in
            state.isGivenUp = state.answer == nil
            return state.answer
        }
    }
}
