import ArgumentParser
import RepriseCore
import RepriseRemote
import RepriseWire

/// `reprise get`: fetches a value.
struct Get: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fetch a value and write it to a file or standard output.",
        discussion: "Exits with 1 when the key is not stored; an existing FILE is then left alone."
    )

    @OptionGroup var node: NodeOptions

    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "Where the value goes; - is standard output, also when that is a terminal.",
            valueName: "file"
        ),
        completion: .file()
    )
    var output: String?

    @Argument(help: "The key.")
    var key: String

    func run() throws {
        var connection = try node.connect()
        var buffer = TransferBuffer(byteCapacity: 0)
        guard let byteCount = try connection.get(.init(key), into: &buffer) else {
            throw CommandFailure(.absent, "\(key): not stored")
        }
        let payload = buffer.prefix(byteCount)
        if let output, output != "-" { return try FileDescriptor.write(payload, toFile: output) }
        if output == nil, Console.isOutputTerminal, !Get.isText(payload) {
            throw CommandFailure(
                .usage,
                "\(key): \(byteCount) bytes that are not text; use -o FILE, or -o - to insist"
            )
        }
        try Console.write(payload)
    }

    /// Whether bytes are UTF-8 without control characters other than tabs and line ends.
    private static func isText(_ bytes: RawSpan) -> Bool {
        var text: [UInt8] = []
        for offset in 0..<bytes.byteCount {
            let byte = bytes.loadByte(at: offset)
            guard byte >= 0x20 || (0x09...0x0D).contains(byte) else { return false }
            guard byte != 0x7F else { return false }
            text.append(byte)
        }
        return (try? UTF8Span(validating: text.span)) != nil
    }
}
