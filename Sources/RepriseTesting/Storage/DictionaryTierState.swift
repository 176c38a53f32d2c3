internal import RepriseCore

/// What a ``DictionaryTier`` holds and has under way.
struct DictionaryTierState {
    /// A copy of a value.
    struct Value {
        let bytes: [UInt8]
        let metadata: MemoryObjectMetadata
        /// The put task that made it: no two have the same.
        let number: UInt64
        var deadline: Int64?

        func hasExpired(_ now: Int64) -> Bool { deadline.map { $0 <= now } ?? false }
    }

    /// A put task.
    struct Task {
        let number: UInt64
        let key: StorageKey
        let object: MemoryObject
        var deadline: Int64?
    }

    /// A load, and who waits for it.
    struct Load {
        let key: StorageKey
        let value: Value
        var completions: [@Sendable (MemoryObject?) -> Void]
    }

    var values: [StorageKey: Value] = [:]
    /// Every key that was ever stored, in the order of its first time: the places of a scan.
    var places: [StorageKey] = []
    var knownPlaces: Set<StorageKey> = []
    var tasks: [Task] = []
    /// The task of each key that is to take effect.
    var currentTasks: [StorageKey: UInt64] = [:]
    var taskNumber: UInt64 = 0
    var loads: [Load] = []
    var requestedLoadCount = 0
    var changes: [RecordedChange] = []
    var touchCounts: [StorageKey: Int] = [:]
    var waits: DictionaryTier.Waits = []
    var dropsOffers = false
    var isClosed = false

    /// Lets a key's task end without effect.
    mutating func forgetTask(of key: StorageKey) { currentTasks[key] = nil }

    /// A change that is still to be recorded.
    mutating func makeChange() -> RecordedChange {
        let change = RecordedChange(pendingCount: 1)
        changes.append(change)
        return change
    }

    /// Stores what a task has written, unless its key has changed meanwhile; `false` when another thread has
    /// written it, too, and was first.
    mutating func taskEnded(_ written: Task, bytes: [UInt8]) -> Bool {
        guard let index = tasks.firstIndex(where: { $0.number == written.number }) else { return false }
        // Its deadline may have been set while it was written.
        let task = tasks.remove(at: index)
        guard currentTasks[task.key] == task.number else { return true }
        currentTasks[task.key] = nil
        values[task.key] = Value(
            bytes: bytes,
            metadata: task.object.metadata,
            number: task.number,
            deadline: task.deadline
        )
        if knownPlaces.insert(task.key).inserted { places.append(task.key) }
        return true
    }
}
