import ArgumentParser
import RepriseCore
import RepriseRemote
import RepriseWire

/// `reprise put`: stores a value.
struct Put: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Store a value from a file or standard input.",
        discussion: """
            The protocol has no reply to a put, so the command asks on the same connection whether the key \
            is there, and exits with 1 when the node did not keep it.
            """
    )

    @OptionGroup var node: NodeOptions
    @OptionGroup var tensor: TensorOptions

    @Argument(help: "The key: at most 150 bytes.")
    var key: String

    @Argument(help: "The file to store; - is standard input.")
    var file: String = "-"

    func run() throws {
        let metadata = try tensor.metadata()
        var buffer = TransferBuffer(byteCapacity: 0)
        let byteCount = try FileDescriptor.read(file, into: &buffer, limit: LMLimits.payloadByteCountMax)
        var connection = try node.connect()
        try connection.put(StorageKey(key), buffer.prefix(byteCount), metadata: metadata)
        guard try connection.exists(StorageKey(key)) else {
            throw CommandFailure(
                .absent,
                "\(key): the node did not keep the \(byteCount) bytes; they may be more than it can hold"
            )
        }
    }
}
