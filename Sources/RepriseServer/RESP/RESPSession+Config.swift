internal import RepriseCore
internal import RepriseWire

extension RESPSession {
    /// CONFIG and its subcommands.
    func answerConfig(_ words: RESPWords) -> Outcome {
        let name = words.lowercased(1)
        switch name {
        case "get":
            writeSettings(words)
        case "set":
            return changeSettings(words)
        case "resetstat":
            context.group.baseline.reset(to: RESPInfo(group: context.group).figures)
            context.writer.ok()
        case "rewrite":
            return fail(.config, "ERR The server is running without a config file")
        default:
            writeHelp([
                "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
                "GET <pattern>", "    Return the settings whose names match.",
                "SET <name> <value> [<name> <value> ...]",
                "    Change maxclients, max-value or minimum-transfer-rate until the node ends.",
                "RESETSTAT", "    Let the statistics of INFO begin anew.",
                "HELP", "    Print this help.",
            ])
        }
        return replied()
    }

    private func writeSettings(_ words: RESPWords) {
        var patterns: [GlobPattern] = []
        for index in 2..<words.count { patterns.append(GlobPattern(Array(words.lowercased(index).utf8))) }
        let found = RESPSettings(group: context.group).all.filter { setting in
            patterns.contains { $0.matches(Array(setting.name.utf8)) }
        }
        context.writer.map(found.count)
        for setting in found {
            context.writer.bulk(setting.name)
            context.writer.bulk(setting.value)
        }
    }

    /// Changes all settings that are named, or none.
    private func changeSettings(_ words: RESPWords) -> Outcome {
        guard words.count.isMultiple(of: 2) else { return fail(.config, Self.syntaxError) }
        let settings = RESPSettings(group: context.group)
        var changes: [() -> Void] = []
        for index in stride(from: 2, to: words.count, by: 2) {
            let name = words.lowercased(index)
            switch settings.change(name, to: words.text(index + 1)) {
            case .change(let change): changes.append(change)
            case .unknown:
                let shown = quoted(words[index], 128)
                return fail(
                    .config,
                    "ERR Unknown option or number of arguments for CONFIG SET - '\(shown)'"
                )
            case .refused(let reason):
                return fail(
                    .config,
                    "ERR CONFIG SET failed (possibly related to argument '\(name)') - \(reason)"
                )
            }
        }
        for change in changes { change() }
        context.writer.ok()
        return replied()
    }
}
