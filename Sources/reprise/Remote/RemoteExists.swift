import ArgumentParser
import RepriseCore
import RepriseRemote

/// `reprise remote exists`: asks for keys.
struct RemoteExists: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exists",
        abstract: "Tell by the exit code whether all the keys are stored."
    )

    @OptionGroup var remote: RemoteOptions

    @Argument(help: "The keys.")
    var keys: [String]

    func run() throws {
        let found = try remote.perform { try $0.exists(keys.map { StorageKey($0) }) }
        for (key, isFound) in zip(keys, found) where !isFound { Console.warn("\(key): not stored") }
        guard !found.contains(false) else { throw CommandFailure(.absent, nil) }
    }
}
