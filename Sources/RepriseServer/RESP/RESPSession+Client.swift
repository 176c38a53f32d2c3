internal import RepriseCore
internal import RepriseWire

extension RESPSession {
    /// CLIENT and its subcommands.
    func answerClient(_ words: RESPWords, on connection: Connection) -> Outcome {
        let name = words.lowercased(1)
        switch name {
        case "id": context.writer.integer(Int64(client.number))
        case "getname": writeName()
        case "info": context.writer.verbatim(ClientText.line(client))
        case "help": writeHelp(Self.clientHelp)
        case "setname", "setinfo": return describe(words, name)
        case "list": return list(words)
        case "kill": return kill(words, on: connection)
        default:
            guard words.isKeyword(2, "ON") || words.isKeyword(2, "OFF") else {
                return fail(.client, Self.syntaxError)
            }
            context.writer.ok()
        }
        return replied()
    }

    private static let clientHelp = [
        "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "GETNAME", "    Return the name of the current connection.",
        "ID", "    Return the ID of the current connection.",
        "INFO", "    Return information about the current connection.",
        "KILL <ip:port>", "    Close the connection from that address.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    Close connections by ID, ADDR, LADDR, USER, TYPE; SKIPME (YES|NO) spares this one.",
        "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)] [ID <id> ...]", "    Return the connections.",
        "NO-EVICT (ON|OFF), NO-TOUCH (ON|OFF)", "    Accepted; they change nothing here.",
        "SETINFO (LIB-NAME|LIB-VER) <value>", "    Note the client library.",
        "SETNAME <name>", "    Name the current connection.",
        "HELP", "    Print this help.",
    ]

    private func writeName() {
        let name = client.description.withLock { $0.name }
        if name.isEmpty { context.writer.null() } else { context.writer.bulk(name) }
    }

    private func describe(_ words: RESPWords, _ name: String) -> Outcome {
        let text = words.text(words.count - 1)
        if name == "setname" {
            guard Self.isClientName(text) else { return fail(.client, Self.badClientName) }
            client.description.withLock { $0.name = text }
        } else if words.isKeyword(2, "LIB-NAME") || words.isKeyword(2, "LIB-VER") {
            let isName = words.isKeyword(2, "LIB-NAME")
            guard Self.isClientName(text) else {
                let what = isName ? "lib-name" : "lib-ver"
                return fail(
                    .client,
                    "ERR \(what) cannot contain spaces, newlines or special characters."
                )
            }
            client.description.withLock { description in
                if isName { description.libraryName = text } else { description.libraryVersion = text }
            }
        } else {
            return fail(.client, "ERR Unrecognized option '\(quoted(words[2], 128))'")
        }
        context.writer.ok()
        return replied()
    }

    private func list(_ words: RESPWords) -> Outcome {
        var clients = context.group.registry.all
        if words.count == 4, words.isKeyword(2, "TYPE") {
            let kind = words.lowercased(3)
            guard ["normal", "master", "replica", "slave", "pubsub"].contains(kind) else {
                return fail(.client, "ERR Unknown client type '\(quoted(words[3], 128))'")
            }
            if kind != "normal" { clients = [] }
        } else if words.count > 3, words.isKeyword(2, "ID") {
            var wanted: Set<Int> = []
            for index in 3..<words.count {
                guard let number = words.integer(index) else {
                    return fail(.client, "ERR Invalid client ID")
                }
                wanted.insert(number)
            }
            clients = clients.filter { wanted.contains(Int($0.number)) }
        } else if words.count > 2 {
            return fail(.client, Self.syntaxError)
        }
        context.writer.verbatim(clients.map(ClientText.line).joined())
        return replied()
    }

    private func kill(_ words: RESPWords, on connection: Connection) -> Outcome {
        let isOldForm = words.count == 3
        var filter = ClientFilter()
        if isOldForm {
            filter.address = words.text(2)
            filter.sparesCaller = false
        } else if let message = filter.read(words) {
            return fail(.client, message)
        }
        let victims = context.group.registry.all.filter { filter.matches($0, caller: client) }
        for victim in victims where victim !== client { context.group.close(victim) }
        if isOldForm {
            guard !victims.isEmpty else { return fail(.client, "ERR No such client") }
            context.writer.ok()
        } else {
            context.writer.integer(victims.count)
        }
        _ = replied()
        return victims.contains { $0 === client } ? .close : .replied
    }

    func writeHelp(_ lines: [String]) {
        context.writer.array(lines.count)
        for line in lines { context.writer.simple(line) }
    }
}

/// Which clients CLIENT KILL closes.
private struct ClientFilter {
    var address: String?
    var localAddress: String?
    var number: UInt64?
    var isNormal = true
    var sparesCaller = true

    /// Reads pairs of options and values; returns why they cannot be read.
    mutating func read(_ words: RESPWords) -> String? {
        guard words.count.isMultiple(of: 2) else { return RESPSession.syntaxError }
        for index in stride(from: 2, to: words.count, by: 2) {
            let value = words.text(index + 1)
            if words.isKeyword(index, "ID") {
                guard let number = words.integer(index + 1), number > 0 else {
                    return "ERR client-id should be greater than 0"
                }
                self.number = UInt64(number)
            } else if words.isKeyword(index, "ADDR") {
                address = value
            } else if words.isKeyword(index, "LADDR") {
                localAddress = value
            } else if words.isKeyword(index, "USER") {
                guard value == "default" else { return "ERR No such user '\(value)'" }
            } else if words.isKeyword(index, "TYPE") {
                guard ["normal", "master", "replica", "slave", "pubsub"].contains(value.lowercased()) else {
                    return "ERR Unknown client type '\(value)'"
                }
                isNormal = value.lowercased() == "normal"
            } else if words.isKeyword(index, "SKIPME"), ["yes", "no"].contains(value.lowercased()) {
                sparesCaller = value.lowercased() == "yes"
            } else {
                return RESPSession.syntaxError
            }
        }
        return nil
    }

    func matches(_ candidate: ClientRecord, caller: ClientRecord) -> Bool {
        guard isNormal, !(sparesCaller && candidate === caller) else { return false }
        if let address, candidate.peer.text != address { return false }
        if let localAddress, candidate.local.text != localAddress { return false }
        return number.map { $0 == candidate.number } ?? true
    }
}

/// Clients as CLIENT LIST shows them.
enum ClientText {
    /// A client's line: the fields of Redis's that a node knows.
    static func line(_ client: ClientRecord) -> String {
        let description = client.description.withLock { $0 }
        let fields: [(String, String)] = [
            ("id", "\(client.number)"), ("addr", client.peer.text), ("laddr", client.local.text),
            ("fd", "\(client.descriptor)"), ("name", description.name), ("age", "\(client.ageSeconds)"),
            ("idle", "\(client.idleSeconds)"), ("flags", "N"), ("db", "0"), ("sub", "0"), ("psub", "0"),
            ("ssub", "0"), ("multi", "-1"), ("cmd", client.lastCommand), ("user", "default"), ("redir", "-1"),
            ("resp", "\(description.version)"), ("lib-name", description.libraryName),
            ("lib-ver", description.libraryVersion), ("io-thread", "\(client.reactorIndex)"),
        ]
        return fields.map { "\($0.0)=\($0.1)" }.joined(separator: " ") + "\n"
    }
}
