package import RepriseCore

// SAFETY, whole file: references to keys are not kept beyond the calls that they are given to.

/// A slower tier that keeps copies of values in a dictionary, and does what a disk would do when it is told
/// to.
///
/// By itself it writes, reads and records as soon as it is started or asked. Told to wait, it does so only
/// when a test says so: ``write()``, ``finishLoads(_:of:)``, ``record(_:)``.
package final class DictionaryTier: SlowerTier {
    /// What a test may hold back.
    package struct Waits: OptionSet, Sendable {
        /// The options' bits.
        package let rawValue: UInt8
        /// Creates a set from its bits.
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// Put tasks wait for ``DictionaryTier/write()``.
        package static let writes = Waits(rawValue: 1)
        /// Loads wait for ``DictionaryTier/finishLoads(_:of:)``.
        package static let loads = Waits(rawValue: 2)
        /// Changes wait for ``DictionaryTier/record(_:)``.
        package static let records = Waits(rawValue: 4)
        /// All of them.
        package static let all: Waits = [.writes, .loads, .records]
    }

    /// How loads that wait end.
    package enum LoadEnd: Sendable {
        /// With the value, if it is still the key's.
        case value
        /// With nothing, as after a fault.
        case fault
    }

    let state = Lock(DictionaryTierState())
    let memory: Lock<LocalCPUBackend?>
    private let wallClock: WallClock

    /// Creates an empty tier and attaches it to the memory in front of it.
    package init(behind memory: LocalCPUBackend, wallClock: WallClock = .system) {
        self.memory = Lock(memory)
        self.wallClock = wallClock
        memory.attach(self)
    }

    var now: Int64 { wallClock.nowMilliseconds }

    /// What is held back.
    package var waits: Waits {
        get { state.withLock { $0.waits } }
        set { state.withLock { $0.waits = newValue } }
    }

    /// Whether put tasks are dropped, as by a queue that is full.
    package var dropsOffers: Bool {
        get { state.withLock { $0.dropsOffers } }
        set { state.withLock { $0.dropsOffers = newValue } }
    }

    /// Loads that have not ended.
    package var loadCount: Int { state.withLock { $0.loads.count } }

    /// Loads that were asked for, those included that joined another.
    package var requestedLoadCount: Int { state.withLock { $0.requestedLoadCount } }

    /// Changes that are not recorded.
    package var unrecordedCount: Int { state.withLock { $0.changes.count } }

    /// Put tasks that have not ended.
    package var queuedCount: Int { state.withLock { $0.tasks.count } }

    /// How often a key was touched.
    package func touchCount(of key: StorageKey) -> Int { state.withLock { $0.touchCounts[key] ?? 0 } }

    /// Lets go of a key's copy, as an eviction would: no change is recorded.
    package func evict(_ key: StorageKey) {
        _ = state.withLock { $0.values.removeValue(forKey: key) }
    }

    /// The bytes of a key's copy.
    package func bytes(of key: StorageKey) -> [UInt8]? { state.withLock { $0.values[key]?.bytes } }

    // MARK: Under the memory's lock

    /// What is stored for a key, or `nil`.
    package func find(_ key: KeyReference) -> SlowerEntry? {
        let key = unsafe StorageKey([UInt8](key.bytes))
        return state.withLock { state in
            guard let value = state.values[key], !value.hasExpired(now) else { return nil }
            return SlowerEntry(
                byteCount: value.bytes.count,
                physicalByteCount: (value.bytes.count + 4095) / 4096 * 4096,
                deadline: value.deadline
            )
        }
    }

    /// Forgets a key's copy.
    package func withdraw(_ key: KeyReference) -> RecordedChange? {
        let key = unsafe StorageKey([UInt8](key.bytes))
        return state.withLock { state in
            state.forgetTask(of: key)
            return state.values.removeValue(forKey: key) == nil ? nil : state.makeChange()
        }
    }

    /// Takes a value as a put task.
    package func offer(_ key: KeyReference, _ object: MemoryObject, deadline: Int64?) -> Bool {
        let key = unsafe StorageKey([UInt8](key.bytes))
        return state.withLock { state in
            guard !state.dropsOffers, !state.isClosed else { return false }
            object.retain()
            state.forgetTask(of: key)
            state.taskNumber += 1
            state.currentTasks[key] = state.taskNumber
            state.tasks.append(
                DictionaryTierState.Task(
                    number: state.taskNumber,
                    key: key,
                    object: object,
                    deadline: deadline
                )
            )
            return true
        }
    }

    /// Sets when a key's copy expires.
    package func setDeadline(_ key: KeyReference, to deadline: Int64?) -> RecordedChange? {
        let key = unsafe StorageKey([UInt8](key.bytes))
        return state.withLock { state in
            if let number = state.currentTasks[key] {
                for index in state.tasks.indices where state.tasks[index].number == number {
                    state.tasks[index].deadline = deadline
                }
            }
            guard state.values[key] != nil else { return nil }
            state.values[key]?.deadline = deadline
            return state.makeChange()
        }
    }

    /// Counts a use.
    package func touch(_ key: KeyReference) {
        let key = unsafe StorageKey([UInt8](key.bytes))
        state.withLock { $0.touchCounts[key, default: 0] += 1 }
    }

    /// Whether a key is stored or on its way.
    package func holds(_ key: KeyReference) -> Bool {
        let key = unsafe StorageKey([UInt8](key.bytes))
        return state.withLock { $0.values[key] != nil || $0.currentTasks[key] != nil }
    }

    // MARK: Without a lock

    /// Writes and records, unless that is to wait.
    package func start() {
        let waits = waits
        if !waits.contains(.writes) { write() }
        if !waits.contains(.records) { record() }
    }

    /// Forgets every key.
    package func withdrawAll() -> RecordedChange? {
        let change = state.withLock { state in
            state.currentTasks = [:]
            state.values = [:]
            return state.makeChange()
        }
        start()
        return change
    }

    /// Stored keys from a place on.
    package func scan(from cursor: UInt64, count: Int) -> (keys: [StorageKey], next: UInt64) {
        state.withLock { state in
            let places = state.places[min(Int(cursor), state.places.count)...].prefix(max(1, count))
            let found = places.filter { state.values[$0].map { !$0.hasExpired(now) } ?? false }
            return (Array(found), places.endIndex == state.places.count ? 0 : UInt64(places.endIndex))
        }
    }

    /// Stored keys.
    package var entryCount: Int { state.withLock { $0.values.values.count { !$0.hasExpired(now) } } }

    /// Ends everything that is under way, and forgets the memory.
    package func close() {
        finishLoads(.fault)
        write()
        record()
        state.withLock { $0.isClosed = true }
        memory.withLock { $0 = nil }
    }
}
