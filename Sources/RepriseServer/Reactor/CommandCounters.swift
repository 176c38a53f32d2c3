internal import Synchronization

/// How often one reactor has carried each command out, and how long that took it: written by its thread, read
/// by any.
@safe
final class CommandCounters: Sendable {
    /// What is counted of a command.
    struct Counts: Sendable {
        var calls: UInt64 = 0
        /// Time that the reactor's thread spent, waits for peers not included.
        var nanoseconds: UInt64 = 0
        /// Calls refused before they were carried out: wrong arguments, not authenticated.
        var rejected: UInt64 = 0
        /// Calls answered with an error.
        var failed: UInt64 = 0
    }

    private static let fieldCount = 4
    // SAFETY: allocated in `init` with four atomics for each command, freed in `deinit`.
    private nonisolated(unsafe) let values: UnsafeMutablePointer<Atomic<UInt64>>
    private let count: Int

    init() {
        count = CountedCommand.names.count * Self.fieldCount
        unsafe values = .allocate(capacity: count)
        for index in 0..<count { unsafe (values + index).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe values.deinitialize(count: count)
        unsafe values.deallocate()
    }

    /// Counts commands that were carried out together, and shares their time out among them.
    func record(_ commands: [CountedCommand], nanoseconds: UInt64) {
        guard !commands.isEmpty else { return }
        let share = nanoseconds / UInt64(commands.count)
        for command in commands {
            add(1, to: command.index * Self.fieldCount)
            add(share, to: command.index * Self.fieldCount + 1)
        }
    }

    /// Counts a command that was refused before it was carried out.
    func recordRejected(_ command: CountedCommand) { add(1, to: command.index * Self.fieldCount + 2) }

    /// Counts a command that was answered with an error.
    func recordFailed(_ command: CountedCommand) { add(1, to: command.index * Self.fieldCount + 3) }

    /// What was counted of the command at an index.
    func counts(at index: Int) -> Counts {
        let start = index * Self.fieldCount
        return Counts(
            calls: load(start),
            nanoseconds: load(start + 1),
            rejected: load(start + 2),
            failed: load(start + 3)
        )
    }

    private func load(_ index: Int) -> UInt64 {
        precondition(index < count, "no such counter")
        // SAFETY: the index was checked.
        return unsafe values[index].load(ordering: .relaxed)
    }

    /// Only the reactor's thread adds, so that a load and a store do; a locked addition would cost more.
    private func add(_ amount: UInt64, to index: Int) {
        precondition(index < count, "no such counter")
        // SAFETY: the index was checked.
        unsafe values[index].store(values[index].load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }
}
