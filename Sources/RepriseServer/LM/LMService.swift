internal import RepriseCore
internal import RepriseNode
internal import RepriseWire

/// What `lm://` requests mean: decides what becomes of one, and touches no socket.
struct LMService {
    /// What follows a reply's header.
    enum Body {
        case none
        /// A value, with a reference for whoever sends it.
        case object(MemoryObject)
        case text(ReplyText)
    }

    /// What is to be done for a request.
    enum Outcome: ~Copyable {
        /// Send a reply.
        case reply(LMReplyHeader, Body)
        /// Receive the payload into the reservation and commit it; there is no reply.
        case receive(Reservation)
        /// Read the payload to its end and drop it; there is no reply.
        case discard(ServerCounter)
        /// Try again when the reason to wait may have gone.
        case wait(Connection.WaitReason)
        /// Load the request's value, of so many bytes, and try again then.
        case load(byteCount: Int)
    }

    let context: SessionContext

    private var backend: any LMSBackend { context.backend }
    private var counters: ReactorCounters { context.counters }

    /// Decides a request.
    ///
    /// - Parameter isLastTry: The request has waited for room as long as it may: it is not told to wait
    ///   again.
    func perform(_ request: LMRequest, on connection: Connection, isLastTry: Bool) -> Outcome {
        switch request.command {
        case .put:
            return put(request, isLastTry: isLastTry)
        case .get:
            return get(request, on: connection, isLastTry: isLastTry)
        case .exist:
            return exist(request, on: connection)
        case .list:
            return text(joinedKeys())
        case .health:
            counters.add(.otherRequests)
            return .reply(.found, .none)
        case .remove:
            counters.add(.otherRequests)
            let (wasStored, change) = backend.remove(request.key)
            context.hold(connection, until: change)
            return .reply(wasStored ? .found : .miss, .none)
        case .stat:
            return text(Array(context.group.statisticsText.utf8))
        }
    }

    /// Publishes a value whose last byte has arrived.
    ///
    /// There is no reply, but those to later requests must not tell of the value before it is sure that the
    /// older one will not come back.
    func commit(_ reservation: consuming Reservation, key: StorageKey, on connection: Connection) {
        let (isStored, change) = reservation.commitRecording(key)
        counters.add(isStored ? .puts : .droppedNotCommitted)
        context.hold(connection, until: change)
    }

    private func put(_ request: LMRequest, isLastTry: Bool) -> Outcome {
        let limit = context.settings.valueByteCountMax
        guard request.payloadByteCount <= limit else { return .discard(.droppedTooLarge) }
        guard request.payloadAgreesWithShape else { return .discard(.droppedShapeMismatch) }
        switch backend.reserve(
            for: request.key,
            byteCount: request.payloadByteCount,
            metadata: request.metadata,
            whenRoomReturns: context.whenRoomReturns
        ) {
        case .reserved(let reservation): return .receive(reservation)
        case .deferred: return isLastTry ? .discard(.droppedWaitedTooLong) : .wait(.reservations)
        case .noRoom: return .discard(.droppedNoRoom)
        case .tooLarge: return .discard(.droppedTooLarge)
        }
    }

    private func exist(_ request: LMRequest, on connection: Connection) -> Outcome {
        var isStored = backend.contains(request.key)
        if !isStored, context.mayLoad(request.key, for: connection) {
            // What another node or store has is brought here: whoever asks for it wants it next.
            switch backend.lookUp(request.key, asksElsewhere: !request.isFromPeer) {
            case .mustLoad(let byteCount): return .load(byteCount: byteCount)
            case .object(let object):
                // It has come since.
                object.release()
                isStored = true
            case .absent: break
            }
        }
        counters.add(isStored ? .existHits : .existMisses)
        return .reply(isStored ? .found : .miss, .none)
    }

    private func get(_ request: LMRequest, on connection: Connection, isLastTry: Bool) -> Outcome {
        let object: MemoryObject
        switch backend.lookUp(request.key, asksElsewhere: !request.isFromPeer) {
        case .object(let found): object = found
        case .mustLoad(let byteCount) where context.mayLoad(request.key, for: connection):
            if context.mayHold(byteCount) { return .load(byteCount: byteCount) }
            if !isLastTry { return .wait(.heldReplies) }
            counters.add(.getMisses)
            return .reply(.miss, .none)
        case .mustLoad, .absent:
            counters.add(.getMisses)
            return .reply(.miss, .none)
        }
        // The wire's length is a signed 32-bit number.
        // Nodes exchange what came over RESP, too.
        let isServed = object.metadata.origin != .plain || request.isFromPeer
        guard object.byteCount <= LMLimits.payloadByteCountMax, isServed else {
            object.release()
            counters.add(.getMisses)
            return .reply(.miss, .none)
        }
        guard context.mayHold(object.byteCount) else {
            object.release()
            if !isLastTry { return .wait(.heldReplies) }
            counters.add(.getMisses)
            return .reply(.miss, .none)
        }
        counters.add(.getHits)
        return .reply(.hit(object.metadata, byteCount: object.byteCount), .object(object))
    }

    private func text(_ bytes: [UInt8]) -> Outcome {
        counters.add(.otherRequests)
        // More text than the wire's length can say is answered as a failure.
        guard bytes.count <= LMLimits.payloadByteCountMax else { return .reply(.miss, .none) }
        return .reply(.list(byteCount: bytes.count), .text(ReplyText(bytes)))
    }

    /// Whether a key is text on one line, as lm's lists are.
    private static func isListable(_ key: StorageKey) -> Bool {
        !key.bytes.contains(UInt8(ascii: "\n")) && String(validating: key.bytes, as: UTF8.self) != nil
    }

    private func joinedKeys() -> [UInt8] {
        var joined: [UInt8] = []
        // RESP clients may store keys that this wire cannot carry.
        for key in backend.listKeys() where Self.isListable(key) {
            if !joined.isEmpty { joined.append(UInt8(ascii: "\n")) }
            joined.append(contentsOf: key.bytes)
        }
        return joined
    }
}
