internal import RepriseCore
internal import RepriseNode
internal import RepriseWire

/// How a command's reply follows from the results of its steps.
enum ReplyShape: Hashable {
    /// The first step's number.
    case number
    /// The sum of the numbers.
    case sum
    /// A number, with 0 for a key that is not stored.
    case length
    /// The first step's value, or null.
    case value
    /// Every step's value, or null.
    case values
    /// `string` or `none`.
    case type
    /// Time until a deadline, in units of so many milliseconds.
    case timeToLive(milliseconds: Int64)
    /// A deadline, in units of so many milliseconds.
    case deadline(milliseconds: Int64)
    /// `OK`, or null for a put whose condition did not hold.
    case put
    /// 1, or 0 for a put whose condition did not hold.
    case putNumber
    /// The value before a put, or null.
    case previous
}

extension RESPSession {
    /// Values up to this length are copied behind their header: cheaper than a piece of their own.
    private static let copiedValueByteCountMax = 4096

    /// Adds a command to the batch whose steps were just appended from `first` on.
    func queue(_ command: RESPCommand, _ shape: ReplyShape, from first: Int) -> Outcome {
        let count = context.batch.count - first
        plans.append(
            Plan(command: command, shape: shape, first: first, count: count, start: commandStart)
        )
        return .queued
    }

    /// Performs the batch and writes its commands' replies.
    ///
    /// - Returns: `nil` when all was performed; otherwise where to go on, and that the first command that was
    ///   not performed waits.
    func flush(to connection: Connection) -> SessionProgress? {
        guard !plans.isEmpty else { return nil }
        performBatch(for: connection)
        var stopped: SessionProgress?
        for (index, plan) in plans.enumerated() {
            if plan.first + plan.count <= context.batch.performedCount {
                answer(plan, on: connection)
                continue
            }
            guard isLastTry, plan.start == 0, context.batch.coldKeys.isEmpty else {
                stopped = stop(at: plan, on: connection)
                break
            }
            refuse(plan)
            if index + 1 < plans.count { stopped = goOn(at: plans[index + 1]) }
            break
        }
        plans.removeAll(keepingCapacity: true)
        context.batch.removeAll()
        connection.countHeldBytes(in: context.counters)
        return stopped
    }

    /// Performs the batch as far as replies may hold its values.
    private func performBatch(for connection: Connection) {
        let (rest, mayPass) = context.group.holdableByteCount
        let held = connection.replies.heldByteCount
        let own = StoreBatch.Allowance(
            byteCount: max(0, context.limits.heldByteCountMax - held),
            mayPassWithOne: held <= context.limits.heldByteCountNegligible
        )
        let shared = StoreBatch.Allowance(byteCount: rest, mayPassWithOne: mayPass)
        context.batch.limitHeldBytes(to: own, shared)
        if let wait = connection.loadWait {
            context.batch.absentKeys = wait.absentKeys
            context.batch.isLoadingRefused = wait.round >= context.limits.loadRoundCountMax
        }
        context.backend.perform(&context.batch)
        context.hold(connection, until: context.batch.takeChange())
        // A command that only reads, and has waited long enough, is answered as if its values were not there.
        guard isLastTry, let first = plans.first, first.start == 0, first.command.onlyReads else { return }
        while context.batch.performedCount < first.first + first.count {
            guard context.batch.skipNext() else { break }
            context.backend.perform(&context.batch)
            context.hold(connection, until: context.batch.takeChange())
        }
    }

    /// Lets a command wait that was not performed, and those behind it.
    private func stop(at plan: Plan, on connection: Connection) -> SessionProgress {
        // What is held may be another command, behind this one: then it is decoded again, too.
        if decoder.isHeld, plan.start == commandStart {
            recoverValues(of: plan)
        } else {
            forgetCommand()
        }
        commandStart = plan.start
        guard context.batch.coldKeys.isEmpty else {
            context.load(
                context.batch.coldKeys,
                byteCount: context.batch.coldByteCount,
                for: connection,
                isSameRequest: plan.start == 0
            )
            return SessionProgress(usedByteCount: plan.start, stop: .wait(.loads))
        }
        return SessionProgress(usedByteCount: plan.start, stop: .wait(.heldReplies))
    }

    /// Answers a command with an error that has waited as long as it may for others' replies, and that would
    /// lose a value which it cannot return.
    private func refuse(_ plan: Plan) {
        context.commands.recordFailed(.resp(plan.command))
        context.writer.error("ERR too many values wait to be sent; nothing was changed, try again")
        writtenReplyCount += 1
        performedCommands.append(.resp(plan.command))
    }

    /// Lets the commands from one on be decoded again.
    private func goOn(at plan: Plan) -> SessionProgress {
        forgetCommand()
        commandStart = plan.start
        return SessionProgress(usedByteCount: plan.start, stop: .later)
    }

    /// Takes a held command's value back out of the batch: it cannot be received again.
    private func recoverValues(of plan: Plan) {
        guard case .previous = plan.shape else { return }
        let value = ReceivedValue()
        value.reservation = context.batch.takeReservation(at: plan.first)
        // SET and GETSET, which have a previous value, have theirs at the same place.
        values[2] = value
    }

    /// Hands what is written to the connection.
    func handOver(to connection: Connection) {
        let bytes = context.writer.bytes
        connection.replies.append(bytes.rawSpan, hasValues: true, endingReplies: writtenReplyCount)
        context.writer.removeAll()
        writtenReplyCount = 0
    }

    private func answer(_ plan: Plan, on connection: Connection) {
        count(plan)
        switch plan.shape {
        case .value, .previous:
            value(at: plan.first, plan, on: connection)
        case .values:
            context.writer.array(plan.count)
            for index in plan.first..<(plan.first + plan.count) { value(at: index, plan, on: connection) }
        default:
            scalar(plan)
        }
        writtenReplyCount += 1
        performedCommands.append(.resp(plan.command))
    }

    /// Writes a value, or hands it over when it is long.
    private func value(at index: Int, _ plan: Plan, on connection: Connection) {
        if case .previous = plan.shape, context.batch.result(at: index) == StoreBatch.putRefused {
            return context.writer.error(Self.outOfMemory)
        }
        guard let object = context.batch.takeObject(at: index) else { return context.writer.null() }
        context.writer.bulkHeader(byteCount: object.byteCount)
        if object.byteCount <= Self.copiedValueByteCountMax {
            context.writer.raw(object.bytes)
            object.release()
        } else {
            handOver(to: connection)
            connection.replies.append(object, endingReplies: 0)
        }
        context.writer.end()
    }

    private func scalar(_ plan: Plan) {
        let result = context.batch.result(at: plan.first)
        switch plan.shape {
        case .number: context.writer.integer(result)
        case .length: context.writer.integer(max(0, result))
        case .sum:
            let range = plan.first..<(plan.first + plan.count)
            context.writer.integer(range.reduce(0) { $0 + context.batch.result(at: $1) })
        case .type: context.writer.simple(result == 1 ? "string" : "none")
        case .timeToLive(let unit):
            let rest = result - WallClock.system.nowMilliseconds
            context.writer.integer(result < 0 ? result : rounded(max(0, rest), to: unit))
        case .deadline(let unit): context.writer.integer(result < 0 ? result : rounded(result, to: unit))
        case .put, .putNumber: put(plan)
        case .value, .values, .previous: break
        }
    }

    private func put(_ plan: Plan) {
        let range = plan.first..<(plan.first + plan.count)
        if range.contains(where: { context.batch.result(at: $0) == StoreBatch.putRefused }) {
            context.commands.recordFailed(.resp(plan.command))
            context.counters.add(.droppedNotCommitted)
            return context.writer.error(Self.outOfMemory)
        }
        let isStored = context.batch.result(at: plan.first) == StoreBatch.putStored
        switch plan.shape {
        case .putNumber: context.writer.integer(isStored ? 1 : 0)
        default: if isStored { context.writer.ok() } else { context.writer.null() }
        }
    }

    private func rounded(_ milliseconds: Int64, to unit: Int64) -> Int64 {
        milliseconds / unit + (milliseconds % unit * 2 >= unit && unit > 1 ? 1 : 0)
    }

    /// Counts a command into the server's hits, misses and puts.
    private func count(_ plan: Plan) {
        let range = plan.first..<(plan.first + plan.count)
        switch plan.command {
        case .get, .mget, .getdel, .getex:
            let values = plan.shape == .values ? plan.count : 1
            for index in plan.first..<(plan.first + values) {
                context.counters.add(context.batch.result(at: index) >= 0 ? .getHits : .getMisses)
            }
        case .exists:
            for index in range {
                context.counters.add(context.batch.result(at: index) == 1 ? .existHits : .existMisses)
            }
        case .set, .mset, .setnx, .setex, .psetex, .getset:
            for index in range where context.batch.result(at: index) == StoreBatch.putStored {
                context.counters.add(.puts)
            }
        default: break
        }
    }

    static let outOfMemory = "OOM command not allowed when used memory > 'maxmemory'."
}
