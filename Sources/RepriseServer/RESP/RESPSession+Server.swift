internal import RepriseCore
internal import RepriseNode
internal import RepriseWire

extension RESPSession {
    /// Commands on all keys, and on the server.
    func answerServer(_ command: RESPCommand, _ words: RESPWords, on connection: Connection) -> Outcome {
        switch command {
        case .dbsize: context.writer.integer(context.backend.entryCount)
        case .flushdb, .flushall: return removeAll(command, words, on: connection)
        case .scan: return scan(words)
        case .keys: return keys(words)
        case .randomkey: writeRandomKey()
        case .memory: return memory(words)
        case .time: writeTime()
        case .info: writeInfo(words)
        case .config: return answerConfig(words)
        case .command: return answerCommand(words)
        case .role:
            context.writer.array(3)
            context.writer.bulk("master")
            context.writer.integer(0)
            context.writer.array(0)
        default: preconditionFailure("a command that nobody answers: \(command.name)")
        }
        return replied()
    }

    private func removeAll(_ command: RESPCommand, _ words: RESPWords, on connection: Connection) -> Outcome {
        let isKnown = words.count == 1 || words.isKeyword(1, "SYNC") || words.isKeyword(1, "ASYNC")
        guard words.count <= 2, isKnown else { return fail(command, Self.syntaxError) }
        context.hold(connection, until: context.backend.removeAll())
        context.writer.ok()
        return replied()
    }

    private func scan(_ words: RESPWords) -> Outcome {
        guard let cursor = Self.cursor(words.text(1)) else { return fail(.scan, "ERR invalid cursor") }
        var count = 10
        var pattern: GlobPattern?
        var wantsStrings = true
        var index = 2
        while index < words.count {
            guard index + 1 < words.count else { return fail(.scan, Self.syntaxError) }
            if words.isKeyword(index, "COUNT") {
                guard let number = words.integer(index + 1) else { return fail(.scan, Self.notInteger) }
                guard number > 0 else { return fail(.scan, Self.syntaxError) }
                count = number
            } else if words.isKeyword(index, "MATCH") {
                pattern = GlobPattern([UInt8](copying: words[index + 1]))
            } else if words.isKeyword(index, "TYPE") {
                wantsStrings = words.isKeyword(index + 1, "STRING")
            } else {
                return fail(.scan, Self.syntaxError)
            }
            index += 2
        }
        let (keys, next) = context.backend.scan(from: cursor, count: count)
        let found = keys.filter { key in wantsStrings && (pattern?.matches(key.bytes) ?? true) }
        context.writer.array(2)
        context.writer.bulk("\(next)")
        write(found)
        return replied()
    }

    /// Reads a cursor as Redis does: an empty text is 0, and a number below it wraps around.
    private static func cursor(_ text: String) -> UInt64? {
        if text.isEmpty { return 0 }
        if let number = UInt64(text), !text.hasPrefix("+") { return number }
        return Int64(text).flatMap { $0 < 0 ? UInt64(bitPattern: $0) : nil }
    }

    private func keys(_ words: RESPWords) -> Outcome {
        let pattern = GlobPattern([UInt8](copying: words[1]))
        write(context.backend.listKeys().filter { pattern.matches($0.bytes) })
        return replied()
    }

    private func write(_ keys: [StorageKey]) {
        context.writer.array(keys.count)
        for key in keys { context.writer.bulk(key.bytes.rawSpan) }
    }

    private func writeRandomKey() {
        var cursor = UInt64.random(in: 0...UInt64(max(0, context.backend.entryCount - 1)))
        // The place may be empty: look on from there, and once more from the beginning.
        for _ in 0..<2 {
            repeat {
                let (keys, next) = context.backend.scan(from: cursor, count: 1)
                if let key = keys.first { return context.writer.bulk(key.bytes.rawSpan) }
                cursor = next
            } while cursor != 0
        }
        context.writer.null()
    }

    private func memory(_ words: RESPWords) -> Outcome {
        guard words.isKeyword(1, "USAGE") else {
            writeHelp([
                "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
                "USAGE <key> [SAMPLES <count>]", "    Return the bytes that a value takes of the memory.",
                "HELP", "    Print this help.",
            ])
            return replied()
        }
        for index in stride(from: 3, to: words.count, by: 2) {
            guard words.isKeyword(index, "SAMPLES"), index + 1 < words.count else {
                return fail(.memory, Self.syntaxError)
            }
            guard let samples = words.integer(index + 1) else { return fail(.memory, Self.notInteger) }
            guard samples >= 0 else { return fail(.memory, Self.syntaxError) }
        }
        context.batch.append(.physicalByteCount, key: words[2])
        context.backend.perform(&context.batch)
        let byteCount = context.batch.result(at: 0)
        context.batch.removeAll()
        if byteCount < 0 { context.writer.null() } else { context.writer.integer(byteCount) }
        return replied()
    }

    private func writeTime() {
        let microseconds = WallClock.microseconds
        context.writer.array(2)
        context.writer.bulk("\(microseconds / 1_000_000)")
        context.writer.bulk("\(microseconds % 1_000_000)")
    }

    private func writeInfo(_ words: RESPWords) {
        var wanted: Set<String> = []
        for index in 1..<max(1, words.count) { wanted.insert(words.lowercased(index)) }
        context.writer.verbatim(RESPInfo(group: context.group).text(sections: wanted))
    }
}
