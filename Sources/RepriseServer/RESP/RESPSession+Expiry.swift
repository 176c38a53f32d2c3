internal import RepriseCore
internal import RepriseNode
internal import RepriseWire

/// How a number says when something expires.
enum TimeKeyword: Hashable {
    /// In so many seconds (EX).
    case seconds
    /// In so many milliseconds (PX).
    case milliseconds
    /// At a time in seconds since 1970 (EXAT).
    case secondsSince1970
    /// At a time in milliseconds since 1970 (PXAT).
    case millisecondsSince1970

    /// Reads an option's name; `nil` for another word.
    init?(_ words: RESPWords, _ index: Int) {
        if words.isKeyword(index, "EX") {
            self = .seconds
        } else if words.isKeyword(index, "PX") {
            self = .milliseconds
        } else if words.isKeyword(index, "EXAT") {
            self = .secondsSince1970
        } else if words.isKeyword(index, "PXAT") {
            self = .millisecondsSince1970
        } else {
            return nil
        }
    }

    /// The time that a number stands for, in milliseconds since 1970; `nil` when it overflows.
    func deadline(_ number: Int, now: Int64) -> Int64? {
        let isInSeconds = self == .seconds || self == .secondsSince1970
        let isRelative = self == .seconds || self == .milliseconds
        let (product, overflows) = Int64(number).multipliedReportingOverflow(by: isInSeconds ? 1000 : 1)
        let (sum, overflowsToo) = product.addingReportingOverflow(isRelative ? now : 0)
        return overflows || overflowsToo ? nil : sum
    }
}

/// A deadline that a client gave.
enum GivenDeadline {
    /// In milliseconds since 1970.
    case at(Int64)
    /// None: the reply.
    case invalid(String)
}

extension RESPSession {
    /// Reads the deadline of a value that is stored; it must be above zero.
    func deadline(
        _ words: RESPWords,
        _ index: Int,
        _ keyword: TimeKeyword,
        _ command: RESPCommand
    ) -> GivenDeadline {
        guard let number = words.integer(index) else { return .invalid(Self.notInteger) }
        let now = WallClock.system.nowMilliseconds
        guard number > 0, let deadline = keyword.deadline(number, now: now) else {
            return .invalid(Self.invalidTime(command))
        }
        return .at(deadline)
    }

    private static func invalidTime(_ command: RESPCommand) -> String {
        "ERR invalid expire time in '\(command.name)' command"
    }

    /// EXPIRE and its siblings.
    func expire(_ command: RESPCommand, _ words: RESPWords, on connection: Connection) -> Outcome {
        var condition = DeadlineCondition()
        for index in 3..<max(3, words.count) {
            if words.isKeyword(index, "NX") {
                condition.insert(.ifNone)
            } else if words.isKeyword(index, "XX") {
                condition.insert(.ifSome)
            } else if words.isKeyword(index, "GT") {
                condition.insert(.ifLater)
            } else if words.isKeyword(index, "LT") {
                condition.insert(.ifEarlier)
            } else {
                return reject(command, "ERR Unsupported option \(words.text(index))", connection)
            }
        }
        if condition.contains(.ifNone), condition != .ifNone {
            let text = "ERR NX and XX, GT or LT options at the same time are not compatible"
            return reject(command, text, connection)
        }
        if condition.isSuperset(of: [.ifLater, .ifEarlier]) {
            return reject(
                command,
                "ERR GT and LT options at the same time are not compatible",
                connection
            )
        }
        guard let number = words.integer(2) else { return reject(command, Self.notInteger, connection) }
        let now = WallClock.system.nowMilliseconds
        guard let deadline = command.timeKeyword.deadline(number, now: now) else {
            return reject(command, Self.invalidTime(command), connection)
        }
        let first = context.batch.count
        context.batch.append(.setDeadline(milliseconds: deadline, condition), key: words[1])
        return queue(command, .number, from: first)
    }

    /// GETEX: a value, and then its deadline.
    func getex(_ words: RESPWords, on connection: Connection) -> Outcome {
        guard let (persists, time) = getexOptions(words) else {
            return reject(.getex, Self.syntaxError, connection)
        }
        var change: StoreBatch.Operation? = persists ? .persist : nil
        if let (keyword, index) = time {
            switch deadline(words, index, keyword, .getex) {
            case .at(let milliseconds): change = .setDeadline(milliseconds: milliseconds, [])
            case .invalid(let message): return getexWithBadTime(words, message, on: connection)
            }
        }
        let first = context.batch.count
        context.batch.append(.acquire, key: words[1])
        if let change { context.batch.append(change, key: words[1], mayYield: false) }
        return queue(.getex, .value, from: first)
    }

    /// Reads the options of GETEX; `nil` for a syntax error. As in Redis, an option may be repeated.
    private func getexOptions(
        _ words: RESPWords
    ) -> (persists: Bool, time: (keyword: TimeKeyword, wordIndex: Int)?)? {
        var persists = false
        var time: (keyword: TimeKeyword, wordIndex: Int)?
        var index = 2
        while index < words.count {
            if words.isKeyword(index, "PERSIST"), time == nil {
                persists = true
            } else if let keyword = TimeKeyword(words, index), index + 1 < words.count, !persists,
                time.map({ $0.keyword == keyword }) ?? true
            {
                time = (keyword, index + 1)
                index += 1
            } else {
                return nil
            }
            index += 1
        }
        return (persists, time)
    }

    /// A key that is not stored comes before a bad time, as in Redis.
    private func getexWithBadTime(
        _ words: RESPWords,
        _ message: String,
        on connection: Connection
    ) -> Outcome {
        if let progress = flush(to: connection) { return .stopped(progress) }
        context.batch.append(.peek, key: words[1])
        context.backend.perform(&context.batch)
        let isStored = context.batch.result(at: 0) == 1
        context.batch.removeAll()
        if isStored { return reject(.getex, message, connection) }
        context.writer.null()
        performedCommands.append(.resp(.getex))
        return replied()
    }
}

extension RESPCommand {
    fileprivate var timeKeyword: TimeKeyword {
        switch self {
        case .pexpire: .milliseconds
        case .expireat: .secondsSince1970
        case .pexpireat: .millisecondsSince1970
        default: .seconds
        }
    }
}
