internal import RepriseCore
internal import RepriseNode
internal import RepriseWire

/// What a value's room came to.
enum ValueRoom: ~Copyable {
    case ready(Reservation)
    /// Room may come.
    case wait
    /// There is none: the reply.
    case failed(String)
}

/// The options of SET.
private struct SetOptions {
    var condition = PutCondition.always
    var wantsPrevious = false
    var keepsDeadline = false
    var time: (keyword: TimeKeyword, wordIndex: Int)?
}

extension RESPSession {
    /// SET and its older forms.
    func put(_ command: RESPCommand, _ words: RESPWords, on connection: Connection) -> Outcome {
        var options = SetOptions()
        var valueIndex = 2
        switch command {
        case .setnx: options.condition = .ifAbsent
        case .setex: (options.time, valueIndex) = ((.seconds, 2), 3)
        case .psetex: (options.time, valueIndex) = ((.milliseconds, 2), 3)
        case .getset: options.wantsPrevious = true
        default:
            guard let read = setOptions(words) else { return reject(command, Self.syntaxError, connection) }
            options = read
        }
        var expiry: PutExpiry = options.keepsDeadline ? .kept : .never
        if let (keyword, index) = options.time {
            switch deadline(words, index, keyword, command) {
            case .at(let milliseconds): expiry = .at(milliseconds: milliseconds)
            case .invalid(let message): return reject(command, message, connection)
            }
        }
        switch room(for: words, at: valueIndex) {
        case .wait: return .wait(.reservations)
        case .failed(let message): return reject(command, message, connection)
        case .ready(let reservation):
            let first = context.batch.count
            context.batch.append(
                putting: reservation,
                key: words[1],
                condition: options.condition,
                expiry: expiry,
                wantsPrevious: options.wantsPrevious
            )
            let shape: ReplyShape =
                options.wantsPrevious ? .previous : command == .setnx ? .putNumber : .put
            return queue(command, shape, from: first)
        }
    }

    /// MSET: all values are stored, or none.
    func putAll(_ words: RESPWords, on connection: Connection) -> Outcome {
        guard !words.count.isMultiple(of: 2) else {
            return reject(.mset, "ERR wrong number of arguments for 'mset' command", connection)
        }
        for index in stride(from: 2, to: words.count, by: 2) where values[index] == nil {
            switch room(for: words, at: index) {
            case .wait: return .wait(.reservations)
            case .failed(let message): return reject(.mset, message, connection)
            case .ready(let reservation):
                let value = ReceivedValue()
                value.reservation = consume reservation
                values[index] = value
            }
        }
        let first = context.batch.count
        for index in stride(from: 2, to: words.count, by: 2) {
            guard let reservation = values[index]?.reservation.take() else { continue }
            context.batch.append(putting: reservation, key: words[index - 1], mayYield: index == 2)
        }
        return queue(.mset, .put, from: first)
    }

    /// Takes room for a value of so many bytes.
    func reserve(_ byteCount: Int) -> ValueRoom {
        guard byteCount <= context.settings.valueByteCountMax else {
            context.counters.add(.droppedTooLarge)
            let limit = context.settings.valueByteCountMax
            return .failed("ERR string exceeds maximum allowed size (max-value, \(limit) bytes)")
        }
        switch context.backend.reserve(
            for: nil,
            byteCount: byteCount,
            metadata: .plain(byteCount: byteCount),
            whenRoomReturns: context.whenRoomReturns
        ) {
        case .reserved(let reservation): return .ready(reservation)
        case .deferred:
            guard mustNotWait else { return .wait }
            context.counters.add(.droppedWaitedTooLong)
            return .failed(Self.outOfMemory)
        case .noRoom:
            context.counters.add(.droppedNoRoom)
            return .failed(Self.outOfMemory)
        case .tooLarge:
            context.counters.add(.droppedTooLarge)
            return .failed(Self.outOfMemory)
        }
    }

    /// The room that a value was received into, or new room with a copy of a value that came with its
    /// command.
    private func room(for words: RESPWords, at index: Int) -> ValueRoom {
        if let value = values[index] {
            guard let reservation = value.reservation.take() else { return .failed(Self.outOfMemory) }
            return .ready(reservation)
        }
        let room = reserve(words[index].byteCount)
        switch consume room {
        case .ready(let reservation):
            reservation.object.copy(from: words[index])
            return .ready(reservation)
        case .wait: return .wait
        case .failed(let message): return .failed(message)
        }
    }

    /// Reads the options behind SET's value; `nil` for a syntax error.
    private func setOptions(_ words: RESPWords) -> SetOptions? {
        var options = SetOptions()
        var index = 3
        while index < words.count {
            if words.isKeyword(index, "NX"), options.condition != .ifPresent {
                options.condition = .ifAbsent
            } else if words.isKeyword(index, "XX"), options.condition != .ifAbsent {
                options.condition = .ifPresent
            } else if words.isKeyword(index, "GET") {
                options.wantsPrevious = true
            } else if words.isKeyword(index, "KEEPTTL"), options.time == nil {
                options.keepsDeadline = true
            } else if let keyword = TimeKeyword(words, index), index + 1 < words.count,
                !options.keepsDeadline, options.time.map({ $0.keyword == keyword }) ?? true
            {
                options.time = (keyword, index + 1)
                index += 1
            } else {
                return nil
            }
            index += 1
        }
        return options
    }
}
