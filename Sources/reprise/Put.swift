import ArgumentParser
import RepriseCore
import RepriseRemote
import RepriseWire

/// `reprise put`: stores a value.
struct Put: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Store a value from a file or standard input.",
        discussion: """
            Exits with 1 when the node did not keep the value. Over lm:// a put has no reply, so the command \
            asks on the same connection whether the key is there; over redis:// it is one SET. RESP carries \
            bytes and nothing else: --dtype, --shape and --format belong to lm://.
            """
    )

    @OptionGroup var node: NodeOptions
    @OptionGroup var tensor: TensorOptions

    @Argument(help: "The key: over lm:// at most 150 bytes.")
    var key: String

    @Argument(help: "The file to store; - is standard input.", completion: .file())
    var file: String = "-"

    func validate() throws {
        guard node.url.wire == .lm || tensor.isEmpty else {
            throw ValidationError(
                "values stored over redis:// are bytes without element type and shape: RESP has no place for "
                    + "them; use lm:// with --dtype, --shape and --format"
            )
        }
    }

    func run() throws {
        let metadata = try tensor.metadata()
        var buffer = TransferBuffer(byteCapacity: 0)
        let byteCount = try FileDescriptor.read(file, into: &buffer, limit: LMLimits.payloadByteCountMax)
        var connection = try node.connect()
        guard try connection.put(StorageKey(key), buffer.prefix(byteCount), metadata: metadata) else {
            throw CommandFailure(
                .absent,
                "\(key): the node did not keep the \(byteCount) bytes; they may be more than it can hold"
            )
        }
    }
}
