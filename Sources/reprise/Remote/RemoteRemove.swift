import ArgumentParser
import RepriseCore
import RepriseRemote

/// `reprise remote rm`: removes keys.
struct RemoteRemove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Remove keys.",
        discussion: "LMCache's own server cannot remove keys."
    )

    @OptionGroup var remote: RemoteOptions

    @Argument(help: "The keys.")
    var keys: [String]

    func run() throws {
        let removed = try remote.perform { connector in try keys.map { try connector.remove(StorageKey($0)) }
        }
        for (key, wasStored) in zip(keys, removed) where !wasStored { Console.warn("\(key): not stored") }
        guard !removed.contains(false) else { throw CommandFailure(.absent, nil) }
    }
}
