internal import RepriseWire

/// A command of either protocol whose calls and time are counted.
struct CountedCommand: Hashable, Sendable {
    /// Its place among all of them.
    let index: Int

    static func lm(_ command: LMCommand) -> CountedCommand {
        let index =
            switch command {
            case .put: 0
            case .get: 1
            case .exist: 2
            case .list: 3
            case .health: 4
            case .remove: 5
            case .stat: 6
            }
        return CountedCommand(index: index)
    }

    static func resp(_ command: RESPCommand) -> CountedCommand {
        CountedCommand(index: lmCount + Int(command.rawValue))
    }

    static func local(_ operation: LocalOperation) -> CountedCommand {
        CountedCommand(index: lmCount + RESPCommand.allCases.count + Int(operation.rawValue) - 1)
    }

    private static let lmCount = 7

    /// All of them, each at its index.
    static let names: [(protocol: String, command: String)] =
        LMCommand.allCases.map { ("lm", String(describing: $0)) }
        + RESPCommand.allCases.map { ("resp", $0.name) }
        + LocalOperation.allCases.map { ("local", String(describing: $0)) }
}
