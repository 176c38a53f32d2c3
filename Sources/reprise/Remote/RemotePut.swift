import ArgumentParser
import RepriseCore
import RepriseRemote
import RepriseWire

/// `reprise remote put`: stores a value.
struct RemotePut: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Store a value from a file or standard input, and wait until the store has confirmed it."
    )

    @OptionGroup var remote: RemoteOptions
    @OptionGroup var tensor: TensorOptions

    @Argument(help: "The key.")
    var key: String

    @Argument(help: "The file to store; - is standard input.", completion: .file())
    var file: String = "-"

    func run() throws {
        var buffer = TransferBuffer(byteCapacity: 0)
        let byteCount = try FileDescriptor.read(file, into: &buffer, limit: LMLimits.payloadByteCountMax)
        let metadata = try tensor.metadata() ?? .plain(byteCount: byteCount)
        guard metadata.dtype == nil || metadata.tensorByteCount == byteCount else {
            throw CommandFailure(.usage, "\(key): \(byteCount) bytes are not those of --shape and --dtype")
        }
        guard let object = RemoteOptions.allocate(byteCount, metadata) else {
            throw CommandFailure(.startFailed, "\(key): there is no memory for \(byteCount) bytes")
        }
        defer { object.release() }
        object.copy(from: buffer.prefix(byteCount))
        try remote.perform { try $0.put(StorageKey(key), object) }
    }
}
