internal import RepriseCore

/// What a disk backend may answer, after everything that was done to it and that happened to it.
///
/// A key has *versions*, numbered for good. Within one life of the process exactly the last version that was
/// put may be read, if any; after a death, those that a later acknowledged change does not exclude.
struct SimulationModel {
    /// One change of a key in the present life.
    struct Change {
        /// The version that was put; `nil` for a removal.
        var version: Int?
        var isAcknowledged = false
        /// Whether an acknowledgement counts: not while the disk is out.
        var isProtected = true
    }

    struct KeyState {
        /// Versions from earlier lives that may still be there.
        var possible: Set<Int> = []
        var changes: [Change] = []
        /// Every version that was ever put.
        var all: Set<Int> = []
    }

    struct VersionState {
        var byteCount: Int
        var deadline: Int64?
        /// Deadlines that the version has had and that may come back after a death.
        var earlierDeadlines: [Int64?] = []
        /// Deadlines that it has ever had.
        var allDeadlines: [Int64?] = []
    }

    private(set) var keys: [StorageKey: KeyState] = [:]
    private(set) var versions: [VersionState] = []

    /// Notes a put; returns the version's number.
    mutating func put(_ key: StorageKey, byteCount: Int, deadline: Int64?, isProtected: Bool) -> Int {
        let version = versions.count
        versions.append(VersionState(byteCount: byteCount, deadline: deadline, allDeadlines: [deadline]))
        keys[key, default: KeyState()].all.insert(version)
        keys[key]?.changes.append(Change(version: version, isProtected: isProtected))
        return version
    }

    mutating func remove(_ key: StorageKey, isProtected: Bool) {
        keys[key, default: KeyState()].changes.append(Change(version: nil, isProtected: isProtected))
    }

    mutating func removeAll(isProtected: Bool) {
        for key in Array(keys.keys) { remove(key, isProtected: isProtected) }
    }

    /// Notes that the last changes of keys were acknowledged, as many of each as it had then.
    mutating func acknowledge(_ counts: [StorageKey: Int], life: Int, in current: Int) {
        guard life == current else { return }
        for (key, count) in counts where count > 0 {
            keys[key]?.changes[count - 1].isAcknowledged = true
        }
    }

    /// How many changes a key has had in this life.
    func changeCount(of key: StorageKey) -> Int { keys[key]?.changes.count ?? 0 }

    var changeCounts: [StorageKey: Int] { keys.mapValues(\.changes.count) }

    /// Takes the protection from every change whose acknowledgement has not come before.
    mutating func unprotect() {
        for key in Array(keys.keys) {
            guard let count = keys[key]?.changes.count else { continue }
            for index in 0..<count where keys[key]?.changes[index].isAcknowledged == false {
                keys[key]?.changes[index].isProtected = false
            }
        }
    }

    /// The version that a key has now, or the versions that it may have.
    func allowed(_ key: StorageKey) -> Set<Int> {
        guard let state = keys[key] else { return [] }
        guard let last = state.changes.last else { return state.possible }
        return last.version.map { [$0] } ?? []
    }

    /// Notes that a version was read: it is the key's.
    mutating func observe(_ version: Int, of key: StorageKey) {
        guard keys[key]?.changes.isEmpty ?? false else { return }
        keys[key]?.possible = [version]
    }

    /// Whether a version's time is over whatever its deadline is.
    func hasExpired(_ version: Int, now: Int64) -> Bool {
        let state = versions[version]
        return ([state.deadline] + state.earlierDeadlines).allSatisfy { $0.map { $0 <= now } ?? false }
    }

    mutating func setDeadline(_ version: Int, to deadline: Int64?) {
        versions[version].earlierDeadlines.append(versions[version].deadline)
        versions[version].deadline = deadline
        versions[version].allDeadlines.append(deadline)
    }

    /// Within a life only the last deadline holds.
    func hasExpiredNow(_ version: Int, now: Int64, isSure: Bool) -> Bool {
        isSure ? versions[version].deadline.map { $0 <= now } ?? false : hasExpired(version, now: now)
    }

    /// Ends a life.
    ///
    /// - Parameter forgetsNothing: Whether every version that ever was may be back: power was lost without
    ///   syncs, or the device lies.
    mutating func die(forgetsNothing: Bool) {
        for key in Array(keys.keys) {
            guard var state = keys[key] else { continue }
            if forgetsNothing {
                state.possible = state.all
            } else {
                let last = state.changes.lastIndex { $0.isAcknowledged && $0.isProtected }
                let rest = last.map { Array(state.changes[$0...]) } ?? state.changes
                if last != nil { state.possible = [] }
                state.possible.formUnion(rest.compactMap(\.version))
            }
            state.changes = []
            keys[key] = state
        }
        for version in versions.indices {
            versions[version].earlierDeadlines = versions[version].allDeadlines
        }
    }

    /// Everything is gone for good.
    mutating func forgetAll() {
        for key in Array(keys.keys) {
            keys[key]?.possible = []
            keys[key]?.changes = []
        }
    }
}
