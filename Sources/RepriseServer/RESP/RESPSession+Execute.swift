internal import Logging
internal import RepriseCore
internal import RepriseWire

extension RESPSession {
    /// Carries a complete command out, or adds it to the batch.
    func execute(_ words: RESPWords, on connection: Connection) -> Outcome {
        guard let command = RESPCommand.find(words[0]) else {
            return unknownCommand(words, on: connection)
        }
        guard command.specification.accepts(wordCount: words.count) else {
            return reject(command, "ERR wrong number of arguments for '\(command.name)' command", connection)
        }
        if let fault = RESPSubcommands.fault(of: command, words) {
            return reject(command, fault.message(quoting: quoted(words[1], 128)), connection)
        }
        guard isAuthenticated || command.specification.flags.contains(.noAuth) else {
            return reject(command, "NOAUTH Authentication required.", connection)
        }
        if !values.isEmpty, let failure = values.values.lazy.compactMap(\.failure).first {
            return reject(command, failure, connection)
        }
        if let outcome = queue(command, words, on: connection) { return outcome }
        // Replies keep their order: what is in the batch comes first.
        if let progress = flush(to: connection) { return .stopped(progress) }
        performedCommands.append(.resp(command))
        client.noteActivity(.resp(command), at: Nanoseconds.now)
        return answer(command, words, on: connection)
    }

    /// Writes an error as the reply to a command that was not carried out.
    func reject(_ command: RESPCommand?, _ message: String, _ connection: Connection) -> Outcome {
        if let progress = flush(to: connection) { return .stopped(progress) }
        if let command { context.commands.recordRejected(.resp(command)) }
        context.writer.error(message)
        writtenReplyCount += 1
        return .replied
    }

    /// Writes an error as the reply to a command that is being carried out.
    func fail(_ command: RESPCommand, _ message: String) -> Outcome {
        context.commands.recordFailed(.resp(command))
        context.writer.error(message)
        return replied()
    }

    /// Notes that a command's reply is written.
    func replied() -> Outcome {
        writtenReplyCount += 1
        return .replied
    }

    /// Adds a command on keys to the batch; `nil` for another command.
    private func queue(_ command: RESPCommand, _ words: RESPWords, on connection: Connection) -> Outcome? {
        switch command {
        case .get: return queue(command, .value, words, .acquire)
        case .exists: return queueAll(command, words, .contains)
        case .mget:
            let first = context.batch.count
            for index in 1..<words.count { context.batch.append(.acquire, key: words[index]) }
            return queue(command, .values, from: first)
        case .del, .unlink: return queueAll(command, words, .remove)
        case .touch: return queueAll(command, words, .contains)
        case .strlen: return queue(command, .length, words, .byteCount)
        case .type: return queue(command, .type, words, .peek)
        case .ttl: return queue(command, .timeToLive(milliseconds: 1000), words, .deadline)
        case .pttl: return queue(command, .timeToLive(milliseconds: 1), words, .deadline)
        case .expiretime: return queue(command, .deadline(milliseconds: 1000), words, .deadline)
        case .pexpiretime: return queue(command, .deadline(milliseconds: 1), words, .deadline)
        case .persist: return queue(command, .number, words, .persist)
        case .getdel:
            let first = context.batch.count
            context.batch.append(.acquire, key: words[1])
            context.batch.append(.remove, key: words[1], mayYield: false)
            return queue(command, .value, from: first)
        case .getex: return getex(words, on: connection)
        case .expire, .pexpire, .expireat, .pexpireat: return expire(command, words, on: connection)
        case .set, .setnx, .setex, .psetex, .getset: return put(command, words, on: connection)
        case .mset: return putAll(words, on: connection)
        default: return nil
        }
    }

    private func queue(
        _ command: RESPCommand,
        _ shape: ReplyShape,
        _ words: RESPWords,
        _ operation: StoreBatch.Operation
    ) -> Outcome {
        let first = context.batch.count
        context.batch.append(operation, key: words[1])
        return queue(command, shape, from: first)
    }

    private func queueAll(
        _ command: RESPCommand,
        _ words: RESPWords,
        _ operation: StoreBatch.Operation
    ) -> Outcome {
        let first = context.batch.count
        for index in 1..<words.count { context.batch.append(operation, key: words[index]) }
        return queue(command, .sum, from: first)
    }

    private func answer(_ command: RESPCommand, _ words: RESPWords, on connection: Connection) -> Outcome {
        switch command {
        case .ping: return ping(words)
        case .echo:
            context.writer.bulk(words[1])
            return replied()
        case .hello: return hello(words)
        case .auth: return authenticate(words)
        case .select: return select(words)
        case .quit:
            context.writer.ok()
            _ = replied()
            return .close
        case .reset: return reset()
        case .client: return answerClient(words, on: connection)
        case .readonly, .readwrite:
            if context.group.identity.cluster == nil { return fail(command, Self.clusterDisabled) }
            context.writer.ok()
            return replied()
        case .cluster: return answerCluster(words)
        default: return answerServer(command, words, on: connection)
        }
    }

    private func unknownCommand(_ words: RESPWords, on connection: Connection) -> Outcome {
        if words.isKeyword(0, "POST") || words.isKeyword(0, "HOST:") {
            context.logger.warning(
                "closed a connection that speaks HTTP: a web page may be trying to reach the node",
                metadata: ["client": "\(client.address)"]
            )
            context.counters.add(.closedProtocolError)
            // Nothing is answered, as in Redis: the page must not learn what is here.
            plans.removeAll()
            context.batch.removeAll()
            context.writer.removeAll()
            writtenReplyCount = 0
            connection.replies.removeAll()
            return .close
        }
        var arguments = ""
        for index in 1..<max(1, words.count) where arguments.utf8.count < Self.quotedByteCountMax {
            arguments += "'\(quoted(words[index], Self.quotedByteCountMax - arguments.utf8.count))' "
        }
        let name = quoted(words[0], Self.quotedByteCountMax)
        let message = "ERR unknown command '\(name)', with args beginning with: \(arguments)"
        return reject(nil, message, connection)
    }

    /// The most bytes of a client's words in an error; as in Redis.
    private static let quotedByteCountMax = 128

    /// The beginning of a word, up to a zero byte, as Redis shows it in errors.
    func quoted(_ word: RawSpan, _ byteCountMax: Int) -> String {
        let bytes = [UInt8](copying: word.extracting(first: min(word.byteCount, max(0, byteCountMax))))
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    static let syntaxError = "ERR syntax error"
    static let notInteger = "ERR value is not an integer or out of range"
}
