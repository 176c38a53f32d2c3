internal import Logging
internal import RepriseCore
internal import RepriseNode
internal import RepriseWire

/// A connection that speaks `lm://`.
final class LMSession: Session {
    private let service: LMService
    private let context: SessionContext
    private var decoder = LMRequestDecoder()
    /// The key of the value that is arriving.
    private var incomingKey: StorageKey?
    /// Work space for one reply's header.
    private var headerBytes = [UInt8](repeating: 0, count: LMDialect.current.replyHeaderByteCount)
    private var performedCommands: [CountedCommand] = []

    init(context: SessionContext) {
        self.context = context
        service = LMService(context: context)
    }

    var isAmidRequest: Bool { false }

    func process(_ bytes: RawSpan, on connection: Connection, isLastTry: Bool) -> SessionProgress {
        let start = Nanoseconds.now
        let progress = processRequests(bytes, on: connection, isLastTry: isLastTry)
        context.commands.record(performedCommands, nanoseconds: Nanoseconds.now - start)
        if let last = performedCommands.last { connection.client.noteActivity(last, at: start) }
        performedCommands.removeAll(keepingCapacity: true)
        return progress
    }

    func receive(_ reservation: consuming Reservation, on connection: Connection) {
        guard let key = incomingKey.take() else { preconditionFailure("a value without a request") }
        service.commit(reservation, key: key, on: connection)
    }

    private func processRequests(
        _ bytes: RawSpan,
        on connection: Connection,
        isLastTry: Bool
    ) -> SessionProgress {
        var offset = 0
        var isLastTry = isLastTry
        while offset < bytes.byteCount, !connection.isPaused(context.limits) {
            let rest = bytes.extracting(droppingFirst: offset)
            do throws(WireError) {
                guard case .request(let request, let headerByteCount) = try decoder.decode(rest)
                else { break }
                let following = rest.extracting(droppingFirst: headerByteCount)
                let (used, stop) = perform(
                    request,
                    on: connection,
                    isFirst: offset == 0,
                    isLastTry: isLastTry,
                    following
                )
                if case .wait = stop { return SessionProgress(usedByteCount: offset, stop: stop) }
                performedCommands.append(.lm(request.command))
                isLastTry = false
                offset += headerByteCount + used
                if case .receive = stop { return SessionProgress(usedByteCount: offset, stop: stop) }
            } catch {
                context.closedProtocolError(connection.client, "\(error)")
                return SessionProgress(usedByteCount: bytes.byteCount, stop: .close)
            }
        }
        return SessionProgress(usedByteCount: offset, stop: .later)
    }

    /// Carries a request out.
    ///
    /// - Parameter following: What has arrived behind the request's header.
    /// - Returns: How many of those bytes belonged to the request, and whether to stop.
    private func perform(
        _ request: LMRequest,
        on connection: Connection,
        isFirst: Bool,
        isLastTry: Bool,
        _ following: RawSpan
    ) -> (usedByteCount: Int, stop: SessionProgress.Stop) {
        switch service.perform(request, on: connection, isLastTry: isLastTry) {
        case .reply(let header, let body):
            reply(header, body, on: connection)
            connection.countHeldBytes(in: context.counters)
            return (0, .later)
        case .receive(let reservation):
            incomingKey = request.key
            let byteCount = request.payloadByteCount
            let used = connection.begin(reservation, byteCount: byteCount, following: following)
            return (used, connection.isReceiving ? .receive : .later)
        case .discard(let reason):
            context.counters.add(reason)
            let used = connection.beginDiscarding(byteCount: request.payloadByteCount, following: following)
            return (used, connection.isReceiving ? .receive : .later)
        case .wait(let reason):
            return (0, .wait(reason))
        case .load(let byteCount):
            var wanted = (keys: [request.key], byteCount: byteCount)
            addKeysToLoad(&wanted, of: following)
            // A retry begins with the request that has waited: later ones have waited for nothing.
            context.load(wanted.keys, byteCount: wanted.byteCount, for: connection, isSameRequest: isFirst)
            return (0, .wait(.loads))
        }
    }

    /// Adds the keys of GETs that follow and whose values are to be loaded, too, so that a pipeline is read
    /// at the same time.
    private func addKeysToLoad(_ wanted: inout (keys: [StorageKey], byteCount: Int), of bytes: RawSpan) {
        var (offset, elsewhereCount) = (0, wanted.byteCount == 0 ? 1 : 0)
        while wanted.keys.count < StoreBatch.coldKeyCountMax, offset < bytes.byteCount {
            let step = try? decoder.decode(bytes.extracting(droppingFirst: offset))
            guard case .request(let request, let headerByteCount) = step, request.command == .get else {
                return
            }
            offset += headerByteCount
            guard !wanted.keys.contains(request.key) else { continue }
            switch context.backend.lookUp(request.key, asksElsewhere: !request.isFromPeer) {
            case .absent: break
            case .object(let object): object.release()
            case .mustLoad(let byteCount):
                if byteCount == 0 { elsewhereCount += 1 }
                guard context.mayHold(wanted.byteCount + byteCount),
                    elsewhereCount <= StoreBatch.elsewhereKeyCountMax
                else { return }
                wanted.keys.append(request.key)
                wanted.byteCount += byteCount
            }
        }
    }

    private func reply(_ header: LMReplyHeader, _ body: LMService.Body, on connection: Connection) {
        guard let dialect = decoder.dialect else { preconditionFailure("a request without a dialect") }
        header.encode(dialect: dialect, over: &headerBytes)
        let header = headerBytes
        let text = header.rawSpan.extracting(first: dialect.replyHeaderByteCount)
        if case .none = body { return connection.replies.append(text, endingReplies: 1) }
        connection.replies.append(text, endingReplies: 0)
        switch body {
        case .none: break
        case .object(let object): connection.replies.append(object, endingReplies: 1)
        case .text(let body): connection.replies.append(body, endingReplies: 1)
        }
    }
}
