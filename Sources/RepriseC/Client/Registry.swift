internal import Glibc

// SAFETY, whole file: the state is touched only with the mutex held; both live as long as the process. The
// mutex is held by the thread that forks while it does, so that the child finds the state whole and can give
// it back.

/// The clients of this process, by the handles that callers hold.
///
/// A handle is a number in the shape of a pointer that points nowhere, and is never used twice: what was
/// closed, or was never a client, is told from what is, whatever a caller passes. The mutex is not a `Lock`,
/// whose sections cannot span a fork(2).
@safe
final class Registry: Sendable {
    /// The registry of the process.
    static let shared = Registry()

    /// Every handle's upper bits: no address that a process can have (x86-64 and AArch64 have at most 57
    /// bits).
    private static let handleMark: UInt = 0x7270 << 48
    private static let handleMask: UInt = 0xFFFF << 48
    private static let handleStride: UInt = 16

    fileprivate struct Entry {
        let client: Client
        let generation: UInt32
        var callCount = 0
        var isClosing = false
    }

    fileprivate struct State {
        /// Counts the forks between the first process and this one.
        var generation: UInt32 = 0
        var lastSerial: UInt64 = 0
        var entries: [UInt64: Entry] = [:]
        var descriptors: [UInt64: Set<Int32>] = [:]
    }

    nonisolated(unsafe) private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    nonisolated(unsafe) private let state: UnsafeMutablePointer<State>

    private init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: State())
        // Fails only without memory for three pointers; forks are then not noticed.
        _ = pthread_atfork(
            { Registry.shared.lock() },
            { Registry.shared.unlock() },
            {
                unsafe Registry.shared.state.pointee.generation += 1
                Registry.shared.unlock()
            }
        )
    }

    private func lock() {
        let status = unsafe pthread_mutex_lock(mutex)
        precondition(status == 0, "pthread_mutex_lock failed")
    }

    private func unlock() {
        let status = unsafe pthread_mutex_unlock(mutex)
        precondition(status == 0, "pthread_mutex_unlock failed")
    }

    private func withState<Result>(_ body: (inout State) -> Result) -> Result {
        lock()
        defer { unlock() }
        return unsafe body(&state.pointee)
    }

    /// A number for a client that is about to be made.
    func makeSerial() -> UInt64 {
        withState { state in
            state.lastSerial += 1
            return state.lastSerial
        }
    }

    /// Makes a client known; returns its handle.
    func add(_ client: Client) -> OpaquePointer? {
        withState { state in
            state.entries[client.serial] = Entry(client: client, generation: state.generation)
        }
        return unsafe OpaquePointer(
            bitPattern: Registry.handleMark | UInt(client.serial) * Registry.handleStride
        )
    }

    /// The client of a handle, which is not closed before ``leave(_:)``.
    ///
    /// - Throws: `invalidArgument` for what is no handle, `closed`, `forked`.
    func enter(_ handle: OpaquePointer?) throws(CallError) -> Client {
        let serial = try unsafe Registry.serial(of: handle)
        let result = withState { state -> Result<Client, CallError> in
            guard let entry = state.entries[serial] else { return .failure(state.unknown(serial)) }
            guard entry.generation == state.generation else { return .failure(Registry.forked) }
            guard !entry.isClosing else { return .failure(Registry.closed) }
            state.entries[serial]?.callCount += 1
            return .success(entry.client)
        }
        return try result.get()
    }

    /// Ends a call that ``enter(_:)`` began.
    func leave(_ client: Client) {
        let isLast = withState { state in
            state.entries[client.serial]?.callCount -= 1
            guard let entry = state.entries[client.serial] else { return false }
            return entry.isClosing && entry.callCount == 0
        }
        if isLast { client.becameIdle() }
    }

    /// Takes a client out, so that no further call finds it.
    ///
    /// - Returns: The client, to be closed once it is idle, and whether it is; `nil` when another call closes
    /// it.
    func beginClosing(_ handle: OpaquePointer?) throws(CallError) -> (client: Client, isIdle: Bool)? {
        let serial = try unsafe Registry.serial(of: handle)
        let result = withState { state -> Result<(client: Client, isIdle: Bool)?, CallError> in
            guard let entry = state.entries[serial] else { return .failure(state.unknown(serial)) }
            guard entry.generation == state.generation else { return .failure(Registry.forked) }
            guard !entry.isClosing else { return .success(nil) }
            state.entries[serial]?.isClosing = true
            return .success((entry.client, entry.callCount == 0))
        }
        return try result.get()
    }

    /// Forgets a client that has been closed.
    func remove(_ client: Client) {
        withState { state in
            state.entries[client.serial] = nil
            state.descriptors[client.serial] = nil
        }
    }

    /// Closes what a child has of its parent's client: copies of its descriptors. Its threads are not in the
    /// child, and what they were doing was left as it was: the client itself is never touched again, nor
    /// freed.
    func abandon(_ handle: OpaquePointer?) {
        guard let serial = try? unsafe Registry.serial(of: handle) else { return }
        let descriptors = withState { state -> Set<Int32> in
            guard let entry = state.entries[serial], entry.generation != state.generation else { return [] }
            _ = unsafe Unmanaged.passRetained(entry.client)
            state.entries[serial] = nil
            return state.descriptors.removeValue(forKey: serial) ?? []
        }
        for descriptor in descriptors { _ = Glibc.close(descriptor) }
    }

    /// Notes a descriptor that a client has opened.
    func note(_ descriptor: Int32, of serial: UInt64) {
        withState { state in _ = state.descriptors[serial, default: []].insert(descriptor) }
    }

    /// Closes a descriptor that was noted.
    func close(_ descriptor: Int32, of serial: UInt64) {
        withState { state in _ = state.descriptors[serial]?.remove(descriptor) }
        _ = Glibc.close(descriptor)
    }

    private static let forked = CallError(
        .forked,
        "the client belongs to the process that this one was forked from; make one after the fork"
    )
    fileprivate static let closed = CallError(.closed, "the client is closed")

    private static func serial(of handle: OpaquePointer?) throws(CallError) -> UInt64 {
        guard let handle = unsafe handle else {
            throw CallError(
                .invalidArgument,
                "the client is NULL; make one with reprise_connect or reprise_open"
            )
        }
        let bits = UInt(bitPattern: handle)
        guard bits & handleMask == handleMark, bits % handleStride == 0 else {
            throw CallError(
                .invalidArgument,
                "that is no client: pass what reprise_connect or reprise_open gave"
            )
        }
        return UInt64((bits & ~handleMask) / handleStride)
    }
}

extension Registry.State {
    /// Why a number has no client.
    fileprivate func unknown(_ serial: UInt64) -> CallError {
        serial >= 1 && serial <= lastSerial
            ? Registry.closed
            : CallError(.invalidArgument, "that is no client: pass what reprise_connect or reprise_open gave")
    }
}
