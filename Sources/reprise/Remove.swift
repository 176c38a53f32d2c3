import ArgumentParser
import RepriseCore
import RepriseRemote

/// `reprise rm`: removes keys.
struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Remove keys.",
        discussion: """
            Names each key that was not stored on standard error and exits with 1 when there is one. \
            LMCache's own server cannot remove keys: it closes the connection.
            """
    )

    @OptionGroup var node: NodeOptions

    @Flag(name: [.short, .long], help: "Absent keys are no failure.")
    var force = false

    @Argument(help: "The keys.")
    var keys: [String]

    func run() throws {
        var connection = try node.connect()
        var absentCount = 0
        for key in keys where try !connection.remove(.init(key)) {
            absentCount += 1
            if !force { Console.warn("\(key): not stored") }
        }
        guard absentCount == 0 || force else { throw CommandFailure(.absent, nil) }
    }
}
