/// The subcommands of the commands that have some, and how many words a call has.
enum RESPSubcommands {
    /// Why words are no call of a command's subcommand.
    enum Fault {
        case unknown(RESPCommand)
        case wrongArity(RESPCommand, String)

        /// The reply.
        ///
        /// - Parameter word: The subcommand as the client wrote it.
        func message(quoting word: String) -> String {
            switch self {
            case .unknown(let command):
                "ERR unknown subcommand '\(word)'. Try \(command.name.uppercased()) HELP."
            case .wrongArity(let command, let subcommand):
                "ERR wrong number of arguments for '\(command.name)|\(subcommand)' command"
            }
        }
    }

    private static let wordCounts: [RESPCommand: [String: ClosedRange<Int>]] = [
        .client: [
            "id": 2...2, "getname": 2...2, "info": 2...2, "help": 2...2, "setname": 3...3,
            "no-evict": 3...3, "no-touch": 3...3, "setinfo": 4...4, "list": 2...(.max), "kill": 3...(.max),
        ],
        .cluster: [
            "slots": 2...2, "shards": 2...2, "info": 2...2, "myid": 2...2, "nodes": 2...2, "keyslot": 3...3,
            "help": 2...2,
        ],
        .config: [
            "get": 3...(.max), "set": 4...(.max), "resetstat": 2...2, "rewrite": 2...2, "help": 2...2,
        ],
        .command: [
            "count": 2...2, "list": 2...(.max), "docs": 2...(.max), "info": 2...(.max),
            "getkeys": 3...(.max), "help": 2...2,
        ],
        .memory: ["usage": 3...(.max), "help": 2...2],
    ]

    /// What is wrong with a call; `nil` for a right one, and for a command without subcommands.
    static func fault(of command: RESPCommand, _ words: RESPWords) -> Fault? {
        switch command {
        case .client, .cluster, .config, .command, .memory: break
        default: return nil
        }
        guard words.count > 1, let subcommands = wordCounts[command] else { return nil }
        let name = words.lowercased(1)
        guard let range = subcommands[name] else { return .unknown(command) }
        return range.contains(words.count) ? nil : .wrongArity(command, name)
    }
}
