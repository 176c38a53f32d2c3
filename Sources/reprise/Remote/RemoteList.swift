import ArgumentParser
import RepriseCore
import RepriseRemote

/// `reprise remote ls`: lists keys.
struct RemoteList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the keys of the values in this layout, one a line, sorted."
    )

    @OptionGroup var remote: RemoteOptions

    func run() throws {
        let keys = try remote.perform { try $0.list() }.map(\.bytes)
        var text: [UInt8] = []
        for key in keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            text += key
            text.append(UInt8(ascii: "\n"))
        }
        try Console.write(text.rawSpan)
    }
}
