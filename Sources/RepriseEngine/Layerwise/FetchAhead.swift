internal import RepriseCore

/// Objects that are being got for somebody who has not asked yet, and perhaps never will.
final class FetchAhead: Sendable {
    private enum State {
        case running
        case ended([MemoryObject?])
        /// They were taken, or nobody wants them.
        case taken
    }

    private let state: Lock<State>
    private let task = BackendTask<Bool>()

    /// Waits for ``end(_:)``.
    init() { state = Lock(.running) }

    /// Has objects already.
    init(_ objects: [MemoryObject?]) {
        state = Lock(.ended(objects))
        task.end(true)
    }

    /// Hands over the objects, whose references pass with them.
    func end(_ objects: [MemoryObject?]) {
        let isWanted = state.withLock { state in
            guard case .running = state else { return false }
            state = .ended(objects)
            return true
        }
        if !isWanted { for object in objects { object?.release() } }
        task.end(true)
    }

    /// Waits for the objects; none the second time.
    func take() -> [MemoryObject?] {
        _ = task.wait()
        return takeNow()
    }

    /// Lets go of them, now or when they come.
    func abandon() {
        for object in takeNow() { object?.release() }
    }

    private func takeNow() -> [MemoryObject?] {
        state.withLock { state in
            defer { state = .taken }
            if case .ended(let objects) = state { return objects }
            return []
        }
    }
}
