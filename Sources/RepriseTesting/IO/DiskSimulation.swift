/// The disk backend on a simulated device, clock and scheduler, driven by a seed: what fails once fails
/// again.
///
/// Values are put, replaced, removed, read and let expire; calls are torn, lost, sent astray, repeated or
/// fail; the process dies in any call, the power is lost, the node is stopped in order; and after every step
/// what is read and counted is compared with a model. A run takes no time of the clock and starts no thread.
public struct DiskSimulation: Sendable {
    /// What decides everything.
    public let seed: UInt64
    /// Steps of one run.
    public let stepCount: Int
    /// Whether the report tells every step.
    public let isTraced: Bool

    /// Describes a run.
    public init(seed: UInt64, stepCount: Int = 400, isTraced: Bool = false) {
        self.seed = seed
        self.isTraced = isTraced
        self.stepCount = stepCount
    }

    /// What a run has met.
    public struct Report: Sendable {
        /// What was wrong; empty for a good run.
        public internal(set) var violations: [String] = []
        /// What happened, a line a step, if that was asked for.
        public internal(set) var trace: [String] = []
        /// Values read and compared.
        public internal(set) var readCount = 0
        /// Reads of keys that might have been there and were not.
        public internal(set) var missCount = 0
        /// Deaths of the process.
        public internal(set) var deathCount = 0
        /// Losses of power.
        public internal(set) var powerLossCount = 0
        /// Stops in order.
        public internal(set) var stopCount = 0
        /// Indexes made from records alone.
        public internal(set) var rebuildCount = 0
        /// Times that the disk was taken out.
        public internal(set) var outCount = 0
        /// Values thrown out of the disk.
        public internal(set) var evictionCount = 0
        /// Records that did not prove themselves.
        public internal(set) var faultCount = 0

        /// A report of no runs.
        public init() {}

        /// Adds another run's numbers.
        public mutating func add(_ other: Report) {
            readCount += other.readCount
            missCount += other.missCount
            deathCount += other.deathCount
            powerLossCount += other.powerLossCount
            stopCount += other.stopCount
            rebuildCount += other.rebuildCount
            outCount += other.outCount
            evictionCount += other.evictionCount
            faultCount += other.faultCount
        }
    }

    /// Runs, and says what was met; stops at the first violation.
    public func run() -> Report {
        let run = SimulationRun(self)
        run.run()
        return run.report
    }
}
