/// What a client may know of a command, as COMMAND tells it.
struct RESPCommandSpecification {
    /// A property of a command that COMMAND tells.
    enum Flag: String, CaseIterable {
        case write, readonly, denyoom, fast, admin, loading, stale, noscript
        case noAuth = "no_auth"
        case allowBusy = "allow_busy"
    }

    /// Where a command's keys are among its arguments: first, last (below zero from the end), step.
    struct Keys {
        let first: Int
        let last: Int
        let step: Int
        static let none = Keys(first: 0, last: 0, step: 0)
        static let one = Keys(first: 1, last: 1, step: 1)
        static let all = Keys(first: 1, last: -1, step: 1)
        static let pairs = Keys(first: 1, last: -1, step: 2)
    }

    let command: RESPCommand
    /// The number of words, the name included; below zero the least number.
    let arity: Int
    let flags: [Flag]
    let keys: Keys
    let group: String
    let since: String
    let complexity: String
    let summary: String

    /// Whether so many words can be a call of the command.
    func accepts(wordCount: Int) -> Bool { arity < 0 ? wordCount >= -arity : wordCount == arity }

    /// Reads one row of the table of commands, which is part of the program: a fault traps.
    init(row: Substring) {
        let fields = row.split(separator: "|", omittingEmptySubsequences: false).map { field in
            String(field.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        guard fields.count == 8, let arity = Int(fields[1]),
            let command = RESPCommand.allCases.first(where: { $0.name == fields[0] })
        else { preconditionFailure("a row that cannot be read: \(row)") }
        self.command = command
        self.arity = arity
        flags = fields[2].split(separator: " ").map { word in
            guard let flag = Flag(rawValue: String(word)) else { preconditionFailure("no flag: \(word)") }
            return flag
        }
        keys = Keys(name: fields[3])
        (group, since) = (fields[4], fields[5])
        (complexity, summary) = (fields[6], fields[7])
    }
}

extension RESPCommandSpecification.Keys {
    fileprivate init(name: String) {
        switch name {
        case "none": self = .none
        case "one": self = .one
        case "all": self = .all
        case "pairs": self = .pairs
        default: preconditionFailure("no place of keys: \(name)")
        }
    }
}
