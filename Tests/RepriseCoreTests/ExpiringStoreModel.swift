@testable import RepriseCore

/// The plainest store of values that expire: what a batch must come to, and what must be in memory after it.
struct ExpiringStoreModel {
    struct Entry {
        var version: Int
        var byteCount: Int
        var deadline: Int64?
    }

    struct Value: Equatable {
        var version: Int
        var byteCount: Int
    }

    struct Put {
        var value: Value
        var condition: PutCondition
        var expiry: PutExpiry
        var wantsPrevious: Bool
    }

    enum Action {
        case query(StoreBatch.Operation)
        case put(Put)
    }

    let capacity: Int
    var now: Int64
    /// Keys by their last use, those included that have expired and are not freed.
    var order: [String] = []
    var entries: [String: Entry] = [:]
    /// How many references there are to a version beside the store's.
    var holdCounts: [Int: Int] = [:]
    var reservedCount = 0
    var hitCount: UInt64 = 0
    var missCount: UInt64 = 0
    var putCount: UInt64 = 0
    var expiredCount: UInt64 = 0

    var storedVersions: Set<Int> { Set(entries.values.map(\.version)) }

    /// Values that were removed or replaced while they were held.
    var detachedCount: Int { holdCounts.keys.filter { !storedVersions.contains($0) }.count }

    /// Keys that have not expired, by their last use.
    var liveKeys: [String] { order.filter { live($0) != nil } }

    func live(_ key: String) -> Entry? {
        guard let entry = entries[key], entry.deadline ?? .max > now else { return nil }
        return entry
    }

    mutating func use(_ key: String) {
        order.removeAll { $0 == key }
        order.append(key)
    }

    mutating func drop(_ key: String) {
        order.removeAll { $0 == key }
        entries[key] = nil
    }

    mutating func hold(_ entry: Entry) -> Value {
        holdCounts[entry.version, default: 0] += 1
        return Value(version: entry.version, byteCount: entry.byteCount)
    }

    /// The last reference's end is a use of the entry.
    mutating func letGo(_ version: Int) {
        let count = (holdCounts[version] ?? 0) - 1
        holdCounts[version] = count > 0 ? count : nil
        if count == 0, let key = order.first(where: { entries[$0]?.version == version }) { use(key) }
    }

    /// What a request for room gets; the entry that was used least recently makes it.
    mutating func reserve() -> String {
        guard reservedCount == 0 || reservedCount < max(1, capacity / 4) else { return "deferred" }
        if order.count + detachedCount + reservedCount == capacity {
            let victim = order.first { key in entries[key].map { holdCounts[$0.version] == nil } ?? false }
            guard let victim else { return "noRoom" }
            drop(victim)
        }
        reservedCount += 1
        return "reserved"
    }

    mutating func removeExpired() {
        for key in order where live(key) == nil {
            drop(key)
            expiredCount += 1
        }
    }

    /// What a step comes to, and the value that it hands out; `nil`, with no change, when that may not be
    /// held.
    mutating func perform(
        _ action: Action,
        _ key: String,
        _ allowance: inout Allowance
    ) -> (result: Int64, found: Value?)? {
        switch action {
        case .query(.acquire):
            guard let entry = live(key) else {
                missCount += 1
                return (-1, nil)
            }
            guard allowance.take(entry.byteCount) else { return nil }
            hitCount += 1
            use(key)
            return (Int64(entry.byteCount), hold(entry))
        case .query(let operation): return (answer(operation, key), nil)
        case .put(let put): return self.put(put, key, &allowance)
        }
    }

    private mutating func answer(_ operation: StoreBatch.Operation, _ key: String) -> Int64 {
        guard let entry = live(key) else {
            if operation == .remove { drop(key) }
            return [.byteCount, .physicalByteCount].contains(operation) ? -1 : operation == .deadline ? -2 : 0
        }
        switch operation {
        case .peek, .acquire: return 1
        case .contains, .byteCount:
            use(key)
            return operation == .contains ? 1 : Int64(entry.byteCount)
        case .physicalByteCount: return 4_096
        case .deadline: return entry.deadline ?? -1
        case .remove:
            drop(key)
            return 1
        case .persist:
            entries[key]?.deadline = nil
            return entry.deadline == nil ? 0 : 1
        case .setDeadline(let deadline, let condition):
            guard Self.holds(condition, old: entry.deadline, new: deadline) else { return 0 }
            entries[key]?.deadline = deadline
            if deadline <= now { drop(key) }
            return 1
        }
    }

    private static func holds(_ condition: DeadlineCondition, old: Int64?, new: Int64) -> Bool {
        !(condition.contains(.ifNone) && old != nil) && !(condition.contains(.ifSome) && old == nil)
            && !(condition.contains(.ifLater) && (old.map { new <= $0 } ?? true))
            && !(condition.contains(.ifEarlier) && (old.map { new >= $0 } ?? false))
    }

    private mutating func put(
        _ put: Put,
        _ key: String,
        _ allowance: inout Allowance
    ) -> (result: Int64, found: Value?)? {
        let old = live(key)
        var previous: Value?
        if put.wantsPrevious, let old {
            guard allowance.take(old.byteCount) else { return nil }
            use(key)
            previous = hold(old)
        }
        reservedCount -= 1
        let isRefused =
            switch put.condition {
            case .always: false
            case .ifAbsent: old != nil
            case .ifPresent: old == nil
            }
        guard !isRefused else { return (0, previous) }
        let deadline: Int64? =
            switch put.expiry {
            case .never: nil
            case .kept: old?.deadline
            case .at(let milliseconds): milliseconds
            }
        if let deadline, deadline <= now {
            drop(key)
            return (1, previous)
        }
        let value = put.value
        entries[key] = Entry(version: value.version, byteCount: value.byteCount, deadline: deadline)
        use(key)
        putCount += 1
        return (1, previous)
    }

    /// Bytes that may still be held.
    struct Allowance {
        var byteCount: Int
        var mayPassWithOne: Bool

        mutating func take(_ valueByteCount: Int) -> Bool {
            guard valueByteCount <= byteCount || mayPassWithOne else { return false }
            byteCount = max(0, byteCount - valueByteCount)
            mayPassWithOne = false
            return true
        }
    }
}
