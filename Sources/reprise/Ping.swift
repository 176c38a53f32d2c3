import ArgumentParser
import RepriseCore
import RepriseRemote
import RepriseReplay

/// `reprise ping`: asks whether a node answers.
struct Ping: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask whether the node answers, and how fast.",
        discussion: "Exits with 69 when it does not."
    )

    @OptionGroup var node: NodeOptions

    @Option(name: [.short, .long], help: "How often to ask, on one connection.")
    var count = 1

    func validate() throws {
        guard count > 0 else { throw ValidationError("--count must be at least 1") }
    }

    func run() throws {
        let clock = ContinuousClock()
        var connection = try node.connect()
        for _ in 0..<count {
            let start = clock.now
            try connection.ping()
            try Console.writeLine("\(node.url): answered in \(HumanText.duration(clock.now - start))")
        }
    }
}
