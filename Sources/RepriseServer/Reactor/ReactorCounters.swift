internal import Synchronization

/// What one reactor has done: written mostly by its thread, read by any.
@safe
final class ReactorCounters: Sendable {
    // SAFETY: allocated in `init` with one atomic for each counter, freed in `deinit`.
    private nonisolated(unsafe) let values: UnsafeMutablePointer<Atomic<UInt64>>

    init() {
        unsafe values = .allocate(capacity: ServerCounter.allCases.count)
        for counter in ServerCounter.allCases {
            unsafe (values + counter.rawValue).initialize(to: Atomic(0))
        }
    }

    deinit {
        unsafe values.deinitialize(count: ServerCounter.allCases.count)
        unsafe values.deallocate()
    }

    func add(_ counter: ServerCounter, _ amount: Int = 1) {
        unsafe values[counter.rawValue].add(UInt64(amount), ordering: .relaxed)
    }

    func subtract(_ counter: ServerCounter, _ amount: Int = 1) {
        unsafe values[counter.rawValue].subtract(UInt64(amount), ordering: .relaxed)
    }

    func value(of counter: ServerCounter) -> UInt64 {
        unsafe values[counter.rawValue].load(ordering: .relaxed)
    }
}
