/// What other threads want of a reactor and it has not seen yet.
struct Inbox {
    private var messages: [Reactor.Message] = []
    private var hasRoomReturned = false
    private var isClosed = false

    private var isEmpty: Bool { messages.isEmpty && !hasRoomReturned }

    /// Adds a message; says whether it was taken, and whether the reactor must be woken.
    mutating func add(_ message: Reactor.Message) -> (isOpen: Bool, mustWake: Bool) {
        guard !isClosed else { return (false, false) }
        let wasEmpty = isEmpty
        messages.append(message)
        return (true, wasEmpty)
    }

    /// Notes that room has returned; says whether the reactor must be woken.
    mutating func addRoomReturned() -> Bool {
        let wasEmpty = isEmpty && !isClosed
        hasRoomReturned = true
        return wasEmpty
    }

    /// Takes everything out.
    mutating func takeAll() -> (messages: [Reactor.Message], hasRoomReturned: Bool) {
        defer {
            messages = []
            hasRoomReturned = false
        }
        return (messages, hasRoomReturned)
    }

    /// Takes no more messages, and returns those that nobody has seen.
    mutating func close() -> [Reactor.Message] {
        isClosed = true
        return takeAll().messages
    }
}
