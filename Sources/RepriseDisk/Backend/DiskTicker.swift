internal import RepriseCore

/// A thread that lets disks look at the time now and then.
final class DiskTicker: Sendable {
    private let isStopped: Lock<Bool>
    private let condition: Condition
    private let thread: Thread

    init(_ disks: [DiskStore], every milliseconds: Int64) {
        let isStopped = Lock(false)
        let condition = Condition()
        self.isStopped = isStopped
        self.condition = condition
        thread = Thread(name: "reprise-disk") {
            while true {
                let hasStopped: Bool? = isStopped.withLock(
                    waitingFor: condition,
                    atMost: .milliseconds(milliseconds)
                ) { $0 ? true : nil }
                if hasStopped ?? false { return }
                for disk in disks { disk.tick() }
            }
        }
    }

    deinit {
        isStopped.withLock { $0 = true }
        condition.signal()
        thread.join()
    }
}
