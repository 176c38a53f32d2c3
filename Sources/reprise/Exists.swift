import ArgumentParser
import RepriseCore
import RepriseRemote

/// `reprise exists`: asks for keys.
struct Exists: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell by the exit code whether all the keys are stored.",
        discussion: "Names each absent key on standard error and exits with 1 when there is one."
    )

    @OptionGroup var node: NodeOptions

    @Flag(name: [.short, .long], help: "Name no absent keys.")
    var quiet = false

    @Argument(help: "The keys.")
    var keys: [String]

    func run() throws {
        var connection = try node.connect()
        var absentCount = 0
        for key in keys where try !connection.exists(.init(key)) {
            absentCount += 1
            if !quiet { Console.warn("\(key): not stored") }
        }
        guard absentCount == 0 else { throw CommandFailure(.absent, nil) }
    }
}
