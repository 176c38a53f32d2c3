import RepriseCore
import RepriseRemote
import RepriseReplay

/// Shows a node's rates again and again.
struct StatWatch {
    private let node: NodeOptions
    private let interval: Duration
    private let countMax: Int?

    private static let clock = ContinuousClock()
    /// The shortest time that counts are divided by.
    private static let secondsMin = 1e-6

    /// Creates a display that ends after `countMax` drawings, if given.
    init(node: NodeOptions, interval: Duration, countMax: Int?) {
        self.node = node
        self.interval = interval
        self.countMax = countMax
    }

    private struct Reading {
        let snapshot: StatSnapshot
        let time: ContinuousClock.Instant

        init(_ connection: inout NodeConnection) throws(RemoteError) {
            snapshot = StatSnapshot(try connection.statistics())
            time = StatWatch.clock.now
        }
    }

    /// Draws until `countMax` is reached or the user interrupts.
    ///
    /// - Throws: ``RemoteError`` if the node cannot be reached at first; later on it is tried again.
    func run() throws {
        Interrupt.endsQuietly()
        var connection: NodeConnection? = try node.connect()
        var earlier = try Reading(&connection!)
        if Console.isOutputTerminal { try Console.write(Array("\u{1B}[2J".utf8).rawSpan) }
        var next = earlier.time
        for drawing in 1...(countMax ?? .max) {
            next = max(next + interval, StatWatch.clock.now)
            Interrupt.sleep(next - StatWatch.clock.now)
            do {
                if connection == nil { connection = .some(try node.connect()) }
                let later = try Reading(&connection!)
                try draw(table(from: earlier, to: later), isFirst: drawing == 1)
                earlier = later
            } catch let error as RemoteError {
                connection = nil
                // Failures to connect name the node themselves.
                let name = error.message.hasPrefix("\(node.url)") ? "" : "\(node.url): "
                try draw("\(name)\(error.message); trying again", isFirst: drawing == 1)
            }
        }
    }

    private func table(from earlier: Reading, to later: Reading) -> String {
        let (seconds, attoseconds) = (later.time - earlier.time).components
        let elapsed = max(Double(seconds) + Double(attoseconds) / 1e18, StatWatch.secondsMin)
        let rates = StatRates(from: earlier.snapshot, to: later.snapshot, seconds: elapsed)
        return StatTable(title: "\(node.url)", rates).text
    }

    /// Replaces the last drawing on a terminal; elsewhere drawings follow each other, an empty line between.
    private func draw(_ text: String, isFirst: Bool) throws(CommandFailure) {
        guard Console.isOutputTerminal else { return try Console.writeLine((isFirst ? "" : "\n") + text) }
        // Home, every line erased to its end, and the screen below: nothing flickers as it would after an
        // erased screen. See console_codes(4).
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        try Console.write(
            Array(("\u{1B}[H" + lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J").utf8).rawSpan
        )
    }
}
