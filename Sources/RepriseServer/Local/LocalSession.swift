internal import Logging
internal import RepriseCore
internal import RepriseNode
internal import RepriseWire

/// A connection that speaks the local protocol: docs/WIRE_LOCAL.md.
final class LocalSession: Session {
    /// What became of a message.
    enum Step {
        /// It is answered, or needs no answer.
        case done
        /// It waits, and is decoded again.
        case wait(Connection.WaitReason)
        /// A value follows it, of whose bytes so many have been used.
        case value(usedByteCount: Int)
        /// The connection is to be closed when its replies are sent.
        case close
    }

    /// A message that is being carried out.
    struct Message: ~Escapable {
        let header: LocalHeader
        let body: RawSpan
        /// What has arrived behind it.
        let following: RawSpan
        /// Whether nothing was used before it of what is pending: it may be one that has waited.
        let isFirst: Bool
        let isLastTry: Bool

        @_lifetime(copy body, copy following)
        init(header: LocalHeader, body: RawSpan, following: RawSpan, isFirst: Bool, isLastTry: Bool) {
            self.header = header
            self.body = body
            self.following = following
            self.isFirst = isFirst
            self.isLastTry = isLastTry
        }
    }

    let context: SessionContext
    let peer: LocalPeer
    let isWritable: Bool
    /// The session, from the hello on.
    var share: LocalShare?
    private var name: LocalHost.Name?
    var holdings = LocalHoldings()
    /// The put whose value is arriving.
    var incoming: (key: StorageKey, header: LocalHeader)?
    /// Work space for one answer.
    var answer: [UInt8] = []
    private var performed: [CountedCommand] = []

    init(context: SessionContext, peer: LocalPeer) {
        self.context = context
        self.peer = peer
        isWritable = peer.user == LocalPeer.ownUser
    }

    var host: LocalHost { context.group.localHost }
    var backend: any LMSBackend { context.backend }
    var isAmidRequest: Bool { false }
    var endsWithPeer: Bool { true }
    var peerHoldsMemory: Bool { !holdings.isEmpty }
    var processDescriptor: Int32? { peer.processDescriptor >= 0 ? peer.processDescriptor : nil }

    func process(_ bytes: RawSpan, on connection: Connection, isLastTry: Bool) -> SessionProgress {
        let start = Nanoseconds.now
        let progress = processMessages(bytes, on: connection, isLastTry: isLastTry)
        context.commands.record(performed, nanoseconds: Nanoseconds.now - start)
        if let last = performed.last { connection.client.noteActivity(last, at: start) }
        performed.removeAll(keepingCapacity: true)
        return progress
    }

    private func processMessages(
        _ bytes: RawSpan,
        on connection: Connection,
        isLastTry: Bool
    ) -> SessionProgress {
        var offset = 0
        while offset < bytes.byteCount, !connection.isPaused(context.limits) {
            let rest = bytes.extracting(droppingFirst: offset)
            do throws(WireError) {
                guard let header = try LocalHeader.decode(rest), rest.byteCount >= header.messageByteCount
                else { break }
                let message = Message(
                    header: header,
                    body: rest.extracting(LocalLimits.headerByteCount..<header.messageByteCount),
                    following: rest.extracting(droppingFirst: header.messageByteCount),
                    isFirst: offset == 0,
                    isLastTry: isLastTry && offset == 0
                )
                let step = try perform(message, on: connection)
                if case .wait(let reason) = step {
                    return SessionProgress(usedByteCount: offset, stop: .wait(reason))
                }
                performed.append(.local(header.operation))
                offset += header.messageByteCount
                switch step {
                case .done, .wait: break
                case .close: return SessionProgress(usedByteCount: bytes.byteCount, stop: .close)
                case .value(let used):
                    offset += used
                    if connection.isReceiving {
                        return SessionProgress(usedByteCount: offset, stop: .receive)
                    }
                }
            } catch {
                refuse(.malformed, "\(error)", on: connection)
                return SessionProgress(usedByteCount: bytes.byteCount, stop: .close)
            }
        }
        return SessionProgress(usedByteCount: offset, stop: .later)
    }

    private func perform(_ message: borrowing Message, on connection: Connection) throws(WireError) -> Step {
        guard let share else { return try hello(message, on: connection) }
        switch message.header.operation {
        case .hello: throw WireError(.badCommand, "a second hello")
        case .lookup: return try lookup(message, in: share, on: connection)
        case .acquire: return try acquire(message, in: share, on: connection)
        case .release: try release(message, in: share, on: connection)
        case .reserve: return try reserve(message, in: share, on: connection)
        case .commit: try commit(message, in: share, on: connection)
        case .abandon: try abandon(message, in: share, on: connection)
        case .remove: try remove(message, on: connection)
        case .exists: return try exists(message, on: connection)
        case .stats: stats(message, in: share, on: connection)
        case .forget: forget(message, in: share, on: connection)
        case .put: return try put(message, on: connection)
        }
        return .done
    }

    private func hello(_ message: borrowing Message, on connection: Connection) throws(WireError) -> Step {
        guard message.header.operation == .hello else {
            throw WireError(.badCommand, "'\(message.header.operation)' before the hello")
        }
        let hello = try LocalHello(body: message.body)
        guard hello.major == LocalLimits.majorVersion else {
            let versions = "version \(hello.major) of the local protocol; the node speaks"
            refuse(.wrongVersion, "\(versions) \(LocalLimits.majorVersion)", on: connection)
            return .close
        }
        guard let arena = host.arena, let descriptor = host.descriptor(writable: isWritable) else {
            refuse(.notPermitted, "the node has no memory that can be shared", on: connection)
            return .close
        }
        let welcome = makeWelcome(arena).encoded(identifier: message.header.identifier)
        // Nothing has been sent before it, so the socket has room for it.
        guard
            context.group.reactors[connection.client.reactorIndex].calls.send(
                connection.descriptor,
                welcome,
                passing: descriptor
            )
        else { return .close }
        let name = LocalHost.Name(user: peer.user, session: hello.session)
        self.name = name
        share = host.join(name, counters: context.counters)
        return .done
    }

    private func makeWelcome(_ arena: ArenaFile) -> LocalWelcome {
        var welcome = LocalWelcome()
        welcome.isWritable = isWritable
        welcome.arenaByteCount = arena.byteCount
        welcome.leasedByteCountMax = host.leasedByteCountMax
        welcome.reservedByteCountMax = host.reservedByteCountMax
        welcome.valueByteCountMax = context.settings.valueByteCountMax
        welcome.keepMilliseconds = host.limits.keepTimeMax.wholeMilliseconds
        welcome.leaseMilliseconds = host.limits.leaseAgeMax.wholeMilliseconds
        welcome.reservationMilliseconds = host.limits.reservationAgeMax.wholeMilliseconds
        return welcome
    }

    /// Answers that a connection is closed, and why.
    private func refuse(_ status: LocalStatus, _ reason: String, on connection: Connection) {
        context.closedProtocolError(connection.client, reason)
        let text = Array(reason.utf8)
        var header = LocalHeader(.hello, identifier: 0, bodyByteCount: text.count)
        header.status = status
        answer.removeAll(keepingCapacity: true)
        header.append(to: &answer)
        answer += text
        send(on: connection)
    }

    /// Begins an answer to a message.
    func beginAnswer(
        to header: LocalHeader,
        bodyByteCount: Int = 0,
        count: Int = 0,
        status: LocalStatus = .ok,
        argument: UInt64 = 0
    ) {
        var reply = LocalHeader(
            header.operation,
            identifier: header.identifier,
            bodyByteCount: bodyByteCount,
            count: count,
            argument: argument
        )
        reply.status = status
        answer.removeAll(keepingCapacity: true)
        reply.append(to: &answer)
    }

    /// Hands the answer to the connection.
    func send(on connection: Connection) {
        let bytes = answer
        connection.replies.append(bytes.rawSpan, endingReplies: 1)
    }

    func handleTime(_ now: ContinuousClock.Instant) {
        share?.expire(now)
        outdate(now)
    }

    func end() {
        guard let share else { return }
        let leases = holdings.leases.values.map(\.object)
        let rooms = Array(holdings.rooms.values)
        holdings = LocalHoldings()
        giveBack(leases, to: share)
        for room in rooms { giveBack(room, to: share) }
        if let name, name.session.contains(where: { $0 != 0 }) {
            host.leave(name, share)
        } else {
            share.end()
        }
        self.share = nil
    }

    deinit {
        precondition(holdings.isEmpty, "a session ends before it goes")
    }
}

extension Duration {
    /// Whole milliseconds.
    fileprivate var wholeMilliseconds: Int {
        Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}
