internal import RepriseCore
internal import RepriseWire

extension RESPSession {
    /// COMMAND and its subcommands.
    func answerCommand(_ words: RESPWords) -> Outcome {
        guard words.count > 1 else {
            write(specifications: RESPCommandTable.specifications)
            return replied()
        }
        let name = words.lowercased(1)
        switch name {
        case "count":
            context.writer.integer(RESPCommand.allCases.count)
        case "list":
            guard words.count == 2 else { return fail(.command, Self.syntaxError) }
            context.writer.set(RESPCommand.allCases.count)
            for command in RESPCommand.allCases { context.writer.bulk(command.name) }
        case "docs": writeDocumentation(named(words))
        case "info":
            let wanted =
                words.count == 2 ? RESPCommandTable.specifications.map { $0 } : named(words).map { $0 }
            write(specifications: wanted)
        case "getkeys":
            return writeKeys(words)
        default:
            writeHelp([
                "COMMAND [<subcommand>]. Without one, all commands are described. Subcommands are:",
                "COUNT", "    Return the number of commands.",
                "DOCS [<command> ...]", "    Return documentation of commands.",
                "GETKEYS <full-command>", "    Return the keys of a call.",
                "INFO [<command> ...]", "    Return the properties of commands.",
                "LIST", "    Return the names of the commands.",
                "HELP", "    Print this help.",
            ])
        }
        return replied()
    }

    /// The specifications of the commands that are named, `nil` for unknown ones; of all without names.
    private func named(_ words: RESPWords) -> [RESPCommandSpecification?] {
        guard words.count > 2 else { return RESPCommandTable.specifications }
        var found: [RESPCommandSpecification?] = []
        for index in 2..<words.count { found.append(RESPCommand.find(words[index])?.specification) }
        return found
    }

    private func write(specifications: [RESPCommandSpecification?]) {
        context.writer.array(specifications.count)
        for specification in specifications {
            guard let specification else {
                context.writer.nullArray()
                continue
            }
            context.writer.array(10)
            context.writer.bulk(specification.command.name)
            context.writer.integer(specification.arity)
            context.writer.set(specification.flags.count)
            for flag in specification.flags { context.writer.simple(flag.rawValue) }
            context.writer.integer(specification.keys.first)
            context.writer.integer(specification.keys.last)
            context.writer.integer(specification.keys.step)
            // Categories, tips, key specifications and subcommands are not described.
            context.writer.set(0)
            context.writer.array(0)
            context.writer.array(0)
            context.writer.array(0)
        }
    }

    private func writeDocumentation(_ wanted: [RESPCommandSpecification?]) {
        let specifications = wanted.compactMap { $0 }
        context.writer.map(specifications.count)
        for specification in specifications {
            context.writer.bulk(specification.command.name)
            context.writer.map(4)
            let fields = [
                ("summary", specification.summary), ("since", specification.since),
                ("group", specification.group), ("complexity", specification.complexity),
            ]
            for (name, text) in fields {
                context.writer.bulk(name)
                context.writer.bulk(text)
            }
        }
    }

    private func writeKeys(_ words: RESPWords) -> Outcome {
        guard let specification = RESPCommand.find(words[2])?.specification else {
            return fail(.command, "ERR Invalid command specified")
        }
        let wordCount = words.count - 2
        guard specification.accepts(wordCount: wordCount) else {
            return fail(.command, "ERR Invalid number of arguments specified for command")
        }
        let keys = specification.keys
        guard keys.first > 0 else {
            return fail(.command, "ERR The command has no key arguments")
        }
        let last = keys.last < 0 ? wordCount + keys.last : keys.last
        let places = stride(from: keys.first, through: last, by: keys.step).map { $0 + 2 }
        context.writer.array(places.count)
        for place in places { context.writer.bulk(words[place]) }
        return replied()
    }
}
