internal import Logging
internal import RepriseCore
internal import RepriseWire

extension RESPSession {
    func ping(_ words: RESPWords) -> Outcome {
        guard words.count <= 2 else {
            return fail(.ping, "ERR wrong number of arguments for 'ping' command")
        }
        if words.count == 2 { context.writer.bulk(words[1]) } else { context.writer.simple("PONG") }
        return replied()
    }

    func select(_ words: RESPWords) -> Outcome {
        guard let number = words.integer(1) else { return fail(.select, Self.notInteger) }
        guard Int32(exactly: number) != nil else {
            let (low, high) = (Int32.min, Int32.max)
            return fail(.select, "ERR value is out of range, value must between \(low) and \(high)")
        }
        if number != 0, context.group.identity.cluster != nil {
            return fail(.select, "ERR SELECT is not allowed in cluster mode")
        }
        guard number == 0 else { return fail(.select, "ERR DB index is out of range") }
        context.writer.ok()
        return replied()
    }

    func authenticate(_ words: RESPWords) -> Outcome {
        guard words.count <= 3 else { return fail(.auth, Self.syntaxError) }
        if words.count == 2, !context.group.access.needsPassword {
            return fail(
                .auth,
                "ERR AUTH <password> called without any password configured for the default user. "
                    + "Are you sure your configuration is correct?"
            )
        }
        guard accepts(words, user: words.count == 3 ? 1 : nil, password: words.count - 1) else {
            return fail(.auth, Self.wrongPassword)
        }
        context.writer.ok()
        return replied()
    }

    static let wrongPassword = "WRONGPASS invalid username-password pair or user is disabled."

    /// Authenticates the connection if user and password are right; the only user is `default`.
    private func accepts(_ words: RESPWords, user: Int?, password: Int) -> Bool {
        let isUserRight = user.map { words.text($0) == "default" } ?? true
        let access = context.group.access
        let isPasswordRight = access.accepts(words[password]) || !access.needsPassword
        guard isUserRight, isPasswordRight else {
            context.counters.add(.authFailures)
            context.logger.notice(
                "a client gave a wrong user or password",
                metadata: ["client": "\(client.address)"]
            )
            return false
        }
        setAuthenticated(true)
        return true
    }

    func setAuthenticated(_ isAuthenticated: Bool) {
        self.isAuthenticated = isAuthenticated
        decoder.isAuthenticated = isAuthenticated
    }

    func hello(_ words: RESPWords) -> Outcome {
        var wanted = version
        if words.count > 1 {
            guard let number = words.integer(1) else {
                return fail(.hello, "ERR Protocol version is not an integer or out of range")
            }
            guard let known = RESPVersion(rawValue: number) else {
                return fail(.hello, "NOPROTO unsupported protocol version")
            }
            wanted = known
        }
        var name: String?
        var index = 2
        var credentials: Int?
        while index < words.count {
            if words.isKeyword(index, "AUTH"), index + 2 < words.count {
                credentials = index + 1
                index += 3
            } else if words.isKeyword(index, "SETNAME"), index + 1 < words.count {
                name = words.text(index + 1)
                index += 2
            } else {
                return fail(.hello, "ERR Syntax error in HELLO option '\(quoted(words[index], 128))'")
            }
        }
        if let credentials, !accepts(words, user: credentials, password: credentials + 1) {
            return fail(.hello, Self.wrongPassword)
        }
        guard isAuthenticated else { return fail(.hello, Self.helloNeedsPassword) }
        if let name {
            guard Self.isClientName(name) else { return fail(.hello, Self.badClientName) }
            client.description.withLock { $0.name = name }
        }
        setVersion(wanted)
        writeGreeting()
        return replied()
    }

    private static let helloNeedsPassword =
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> "
        + "<pass> option can be used to authenticate the client and select the RESP protocol version at the "
        + "same time"

    private func setVersion(_ wanted: RESPVersion) {
        version = wanted
        context.writer.version = wanted
        client.description.withLock { $0.version = wanted.rawValue }
    }

    private func writeGreeting() {
        context.writer.map(7)
        for (name, text) in [("server", "redis"), ("version", RESPInfo.redisVersion)] {
            context.writer.bulk(name)
            context.writer.bulk(text)
        }
        context.writer.bulk("proto")
        context.writer.integer(version.rawValue)
        context.writer.bulk("id")
        context.writer.integer(Int64(client.number))
        for (name, text) in [("mode", RESPInfo.mode(context.group.identity)), ("role", "master")] {
            context.writer.bulk(name)
            context.writer.bulk(text)
        }
        context.writer.bulk("modules")
        context.writer.array(0)
    }

    func reset() -> Outcome {
        setVersion(.two)
        setAuthenticated(!context.group.access.needsPassword)
        client.description.withLock { $0.name = "" }
        context.writer.simple("RESET")
        return replied()
    }

    /// Whether a text can name a client: printable, without spaces.
    static func isClientName(_ name: String) -> Bool { name.utf8.allSatisfy { (0x21...0x7e).contains($0) } }

    static let badClientName = "ERR Client names cannot contain spaces, newlines or special characters."
}
