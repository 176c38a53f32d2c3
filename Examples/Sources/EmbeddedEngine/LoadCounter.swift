import RepriseCore
import RepriseEngine

/// Counts the chunks that each backend gave.
final class LoadCounter: Sendable {
    private let counts = Lock<[String: Int]>([:])

    /// Counts what happened, if it is a load; for a storage manager to call.
    func count(_ event: StorageEvent) {
        guard event.kind == .loaded, let name = event.backendName else { return }
        let place = name == StorageManager.memoryName ? "memory" : name
        counts.withLock { $0[place, default: 0] += 1 }
    }

    /// The names of the backends with their counts, which begin anew.
    func take() -> [(place: String, count: Int)] {
        counts.withLock { counts in
            defer { counts = [:] }
            return counts.sorted { $0.key < $1.key }.map { (place: $0.key, count: $0.value) }
        }
    }
}
