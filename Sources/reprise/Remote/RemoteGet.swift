import ArgumentParser
import RepriseCore
import RepriseRemote

/// `reprise remote get`: fetches a value.
struct RemoteGet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Fetch a value and write it to a file or standard output.",
        discussion: "Exits with 1 when the key is not stored, and with 65 when what is stored is damaged."
    )

    @OptionGroup var remote: RemoteOptions

    @Option(name: [.short, .long], help: "Where the value goes; - is standard output.", completion: .file())
    var output: String = "-"

    @Argument(help: "The key.")
    var key: String

    func run() throws {
        let value = try remote.perform { try $0.get(StorageKey(key), RemoteOptions.allocate) }
        switch value {
        case .found(let object):
            defer { object.release() }
            if output != "-" { return try FileDescriptor.write(object.bytes, toFile: output) }
            try Console.write(object.bytes)
        case .absent: throw CommandFailure(.absent, "\(key): not stored")
        case .outOfMemory: throw CommandFailure(.startFailed, "\(key): there is no memory for the value")
        case .corrupt:
            throw CommandFailure(.dataError, "\(key): what is stored is damaged, or in another layout")
        }
    }
}
