internal import Logging
internal import RepriseCore
internal import RepriseNode
internal import RepriseWire

/// A connection that speaks RESP, in version 2 or 3.
///
/// Commands on keys that arrive in one read are gathered in a batch that takes the store's lock once; other
/// commands perform the batch first, so that replies keep their order. A command that must wait is not used:
/// its bytes are decoded again when it is tried again, unless a long value of it was received.
final class RESPSession: Session {
    /// What became of a command.
    enum Outcome {
        /// It is in the batch.
        case queued
        /// Its reply is written.
        case replied
        /// It is to be tried again.
        case wait(Connection.WaitReason)
        /// A command before it was not performed: this is where to go on, and why to stop.
        case stopped(SessionProgress)
        /// Nothing behind it is read.
        case close
    }

    /// A command in the batch, and how to answer it.
    struct Plan {
        let command: RESPCommand
        let shape: ReplyShape
        /// Its steps in the batch.
        let first: Int
        let count: Int
        /// Where it begins in the bytes under way.
        let start: Int
    }

    /// The most commands in one batch.
    static let batchedCommandCountMax = 1024
    /// Replies are handed to the connection, which may then be paused, once they are so long together.
    private static let writtenByteCountMax = 1 << 20

    let context: SessionContext
    let client: ClientRecord
    let state: Confined<RESPSessionState>

    init(context: SessionContext, client: ClientRecord) {
        self.context = context
        self.client = client
        let decoder = RESPCommandDecoder(limits: context.limits.resp)
        state = Confined(RESPSessionState(decoder: decoder))
        setAuthenticated(!context.group.access.needsPassword)
    }

    var isAmidRequest: Bool { !values.isEmpty }

    /// Whether the command under way has waited as long as it may.
    var mustNotWait: Bool { isLastTry && commandStart == 0 }

    func process(_ bytes: RawSpan, on connection: Connection, isLastTry: Bool) -> SessionProgress {
        let start = Nanoseconds.now
        self.isLastTry = isLastTry
        context.writer.version = version
        let progress = processCommands(bytes, on: connection)
        handOver(to: connection)
        context.commands.record(performedCommands, nanoseconds: Nanoseconds.now - start)
        if let last = performedCommands.last { client.noteActivity(last, at: start) }
        performedCommands.removeAll(keepingCapacity: true)
        return progress
    }

    func receive(_ reservation: consuming Reservation, on connection: Connection) {
        guard let index = incomingValueIndex.take(), let value = values[index] else {
            preconditionFailure("a value without a command")
        }
        value.reservation = consume reservation
    }

    private func processCommands(_ bytes: RawSpan, on connection: Connection) -> SessionProgress {
        commandStart = 0
        // How many commands may begin before the connection is asked again whether it is paused.
        var restCount = commandCountMax(on: connection)
        while true {
            if restCount == 0 || context.writer.bytes.count >= Self.writtenByteCountMax {
                if let stopped = flush(to: connection) { return stopped }
                handOver(to: connection)
                restCount = commandCountMax(on: connection)
                guard restCount > 0 else {
                    return SessionProgress(usedByteCount: commandStart, stop: .later)
                }
            }
            let rest = bytes.extracting(droppingFirst: commandStart)
            let step: RESPCommandDecoder.Step
            do throws(WireError) {
                step = try decoder.decode(rest)
            } catch {
                return close(with: error, bytes.byteCount, connection)
            }
            switch step {
            case .needsBytes:
                return flush(to: connection) ?? SessionProgress(usedByteCount: commandStart, stop: .later)
            case .empty(let byteCount):
                decoder.finish()
                commandStart += byteCount
            case .command(let byteCount):
                if let stopped = perform(rest, byteCount: byteCount, on: connection) { return stopped }
                restCount -= 1
            case .value(let byteCount, let valueByteCount):
                let stopped = announce(rest, byteCount, valueByteCount, on: connection)
                if let stopped { return stopped }
            }
        }
    }

    /// How many commands may be answered before the connection has as many replies as it may.
    private func commandCountMax(on connection: Connection) -> Int {
        guard !connection.isPaused(context.limits) else { return 0 }
        let rest = context.limits.requestDepthMax - connection.replies.count
        return min(rest, Self.batchedCommandCountMax)
    }

    /// Carries a complete command out; returns why to stop, or `nil` to go on.
    private func perform(
        _ bytes: RawSpan,
        byteCount: Int,
        on connection: Connection
    ) -> SessionProgress? {
        let isHeld = decoder.isHeld
        if isHeld, let stopped = flush(to: connection) { return stopped }
        let outcome: Outcome
        if isHeld {
            let held = decoder.heldBytes
            outcome = execute(RESPWords(decoder.arguments, in: held.rawSpan), on: connection)
        } else {
            outcome = execute(RESPWords(decoder.arguments, in: bytes), on: connection)
        }
        switch outcome {
        case .queued, .replied:
            // What is held cannot be decoded again: it is finished once it is answered.
            if isHeld, let stopped = flush(to: connection) { return stopped }
            values.removeAll()
            decoder.finish()
            commandStart += byteCount
            return nil
        case .wait(let reason):
            if !isHeld { forgetCommand() }
            return flush(to: connection) ?? SessionProgress(usedByteCount: commandStart, stop: .wait(reason))
        case .stopped(let progress):
            return progress
        case .close:
            return flush(to: connection) ?? SessionProgress(usedByteCount: commandStart, stop: .close)
        }
    }

    /// Begins a command anew that is not held: it will be decoded again.
    func forgetCommand() {
        values.removeAll()
        decoder.finish()
    }

    /// Answers a fault of the framing; the connection is closed.
    private func close(with error: WireError, _ byteCount: Int, _ connection: Connection) -> SessionProgress {
        if let stopped = flush(to: connection) { return stopped }
        context.writer.error("ERR \(error.message)")
        writtenReplyCount += 1
        context.closedProtocolError(client, error.message)
        return SessionProgress(usedByteCount: byteCount, stop: .close)
    }

    /// Decides what becomes of a long argument before it has arrived.
    private func announce(
        _ bytes: RawSpan,
        _ byteCount: Int,
        _ valueByteCount: Int,
        on connection: Connection
    ) -> SessionProgress? {
        let index = decoder.arguments.count
        let isValue = announcedCommand(bytes)?.takesValue(at: index) ?? false
        if !isValue, valueByteCount <= context.limits.resp.keptArgumentByteCountMax {
            decoder.keepArgument()
            return nil
        }
        if let stopped = flush(to: connection) { return stopped }
        let value = ReceivedValue()
        if isValue {
            switch reserve(valueByteCount) {
            case .ready(let reservation): value.reservation = consume reservation
            case .wait:
                if !decoder.isHeld { forgetCommand() }
                return SessionProgress(usedByteCount: commandStart, stop: .wait(.reservations))
            case .failed(let message): value.failure = message
            }
        } else {
            value.failure =
                "ERR argument of \(valueByteCount) bytes; the limit is "
                + "\(context.limits.resp.keptArgumentByteCountMax)"
        }
        values[index] = value
        decoder.acceptValue(in: bytes)
        let following = bytes.extracting(droppingFirst: byteCount)
        let used = begin(value, at: index, byteCount: valueByteCount, following, on: connection)
        commandStart += byteCount + used
        guard connection.isReceiving else { return nil }
        return SessionProgress(usedByteCount: commandStart, stop: .receive)
    }

    /// The command whose argument was announced.
    private func announcedCommand(_ bytes: RawSpan) -> RESPCommand? {
        guard !decoder.arguments.isEmpty else { return nil }
        guard decoder.isHeld else { return RESPCommand.find(RESPWords(decoder.arguments, in: bytes)[0]) }
        let held = decoder.heldBytes
        return RESPCommand.find(RESPWords(decoder.arguments, in: held.rawSpan)[0])
    }

    /// Starts receiving or dropping a long argument; returns how many of the following bytes are its.
    private func begin(
        _ value: ReceivedValue,
        at index: Int,
        byteCount: Int,
        _ following: RawSpan,
        on connection: Connection
    ) -> Int {
        guard let reservation = value.reservation.take() else {
            return connection.beginDiscarding(byteCount: byteCount, following: following)
        }
        incomingValueIndex = index
        return connection.begin(reservation, byteCount: byteCount, following: following)
    }
}

/// A value of a command that is not complete.
final class ReceivedValue {
    /// Room with the value in it; `nil` while it arrives, and when it cannot be had.
    var reservation: Reservation?
    /// Why there is no room: the reply to the command.
    var failure: String?
}
