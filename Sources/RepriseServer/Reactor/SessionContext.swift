internal import Logging
internal import RepriseCore
internal import RepriseNode
internal import RepriseWire

/// What the sessions of one reactor share: the reactor's counters, work space that is used by one session at
/// a time, and the way to all that the server's reactors share.
///
/// Confined to the reactor's thread.
final class SessionContext {
    let group: ReactorGroup
    let counters: ReactorCounters
    let commands: CommandCounters
    /// Wakes the reactor to try again what waits for room.
    let whenRoomReturns: @Sendable () -> Void
    private let post: @Sendable (Reactor.Message) -> Void
    private let work = Confined(Work())

    private struct Work: ~Copyable {
        var batch = StoreBatch()
        var writer = RESPWriter()
    }

    init(group: ReactorGroup, reactor: Reactor) {
        self.group = group
        counters = reactor.counters
        commands = reactor.commands
        whenRoomReturns = { [weak reactor] in reactor?.postRoomReturned() }
        post = { [weak reactor] message in _ = reactor?.post(message) }
    }

    /// Whether a connection's next request may wait for a key that is to be loaded: not if that has failed,
    /// or after too many rounds.
    func mayLoad(_ key: StorageKey, for connection: Connection) -> Bool {
        guard let wait = connection.loadWait else { return true }
        return wait.round < limits.loadRoundCountMax && !wait.absentKeys.contains(key)
    }

    /// Starts reading values that a connection's next request wants, which waits for them.
    ///
    /// - Parameter isSameRequest: Whether that request is the one that has just waited.
    func load(_ keys: [StorageKey], byteCount: Int, for connection: Connection, isSameRequest: Bool) {
        counters.add(.loadWaits)
        let keys = Set(keys)
        let before = connection.loadWait
        let wait = LoadWait(for: keys, byteCount: byteCount, after: isSameRequest ? before : nil)
        if !isSameRequest { before?.finish() }
        connection.loadWait = wait
        connection.countLoadBytes(in: counters)
        let identifier = connection.identifier
        for key in keys {
            backend.load(key) { [post] object in
                if wait.end(key, object) { post(.loaded(identifier: identifier)) }
            }
        }
    }

    /// Lets a connection's replies that are not appended yet wait until a change is recorded.
    func hold(_ connection: Connection, until change: RecordedChange?) {
        guard let change, !change.isRecorded else { return }
        counters.add(.recordWaits)
        let barrier = connection.barriers.append(
            at: connection.replies.appendedByteCount,
            deadline: ContinuousClock.now + limits.recordTimeMax
        )
        let identifier = connection.identifier
        change.whenRecorded { [post] in post(.recorded(identifier: identifier, barrier: barrier)) }
    }

    /// Operations of the commands of one read.
    var batch: StoreBatch {
        _read { yield work.value.batch }
        _modify { yield &work.value.batch }
    }

    /// Replies to the commands of one read.
    var writer: RESPWriter {
        _read { yield work.value.writer }
        _modify { yield &work.value.writer }
    }

    var backend: any LMSBackend { group.backend }
    var limits: ServerLimits { group.limits }
    var settings: LiveSettings { group.settings }
    var logger: Logger { group.logger }

    /// Whether a reply may hold a value of so many bytes now.
    func mayHold(_ byteCount: Int) -> Bool {
        let (rest, mayPass) = group.holdableByteCount
        return mayPass || byteCount <= rest
    }

    /// Counts and logs a connection that broke its protocol.
    func closedProtocolError(_ client: ClientRecord, _ reason: String) {
        counters.add(.closedProtocolError)
        logger.notice(
            "closed a connection that broke the protocol",
            metadata: ["client": "\(client.address)", "reason": "\(reason)"]
        )
    }
}
