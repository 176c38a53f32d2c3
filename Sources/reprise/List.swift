import ArgumentParser
import RepriseCore
import RepriseRemote

/// `reprise ls`: lists keys.
struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the stored keys, one a line, sorted.",
        discussion: """
            Over redis:// keys that come or go meanwhile may be listed or not, since the list is made in \
            steps (SCAN). LMCache's own servers since 0.2 never answer this; the command then fails after \
            --timeout.
            """
    )

    @OptionGroup var node: NodeOptions

    @Argument(help: "Only the keys that begin with this.")
    var prefix: String = ""

    func run() throws {
        var connection = try node.connect()
        let keys = try connection.list().map(\.bytes).filter { $0.starts(with: prefix.utf8) }
        var text: [UInt8] = []
        for key in keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            text += key
            text.append(UInt8(ascii: "\n"))
        }
        try Console.write(text.rawSpan)
    }
}
