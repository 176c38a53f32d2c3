internal import RepriseCore
internal import RepriseWire

/// A command, and the key that says which server of a store it goes to.
internal struct KeyedCommand {
    let key: StorageKey
    let words: [[UInt8]]

    init(_ word: String, _ key: StorageKey, _ rest: [UInt8]...) {
        self.key = key
        words = [Array(word.utf8), key.bytes] + rest
    }
}

extension RESPRoute {
    /// Sends commands, all that go to one server in one go, and returns their replies in order, errors among
    /// them.
    ///
    /// - Throws: ``RemoteError`` when a server cannot be asked; some commands may be done then.
    func call(_ commands: [KeyedCommand]) throws(RemoteError) -> [RESPValue] {
        var replies = [RESPValue](repeating: .null, count: commands.count)
        for group in groups(of: commands.map(\.key)) where !group.isEmpty {
            let words = group.map { commands[$0].words }
            let answers = try perform(for: commands[group[0]].key) { (stream) throws(RemoteError) in
                try stream.callAll(words)
            }
            for (position, answer) in zip(group, answers) { replies[position] = answer }
        }
        // Slots that have moved: each such command follows on its own.
        for position in commands.indices where replies[position].isRedirection {
            replies[position] = try callAlone(commands[position])
        }
        return replies
    }

    private func callAlone(_ command: KeyedCommand) throws(RemoteError) -> RESPValue {
        do throws(RemoteError) {
            return try perform(for: command.key) { (stream) throws(RemoteError) in
                try stream.call(command.words)
            }
        } catch  where error.code == .rejected {
            return .error(error.message)
        }
    }
}

extension RESPValue {
    fileprivate var isRedirection: Bool {
        guard case .error(let text) = self else { return false }
        return RemoteError(.rejected, text).hasPrefix("MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN")
    }
}
