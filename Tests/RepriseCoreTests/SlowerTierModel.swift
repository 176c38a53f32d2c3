@testable import RepriseCore

/// The plainest store with all keys in one place: what a step must come to, wherever values lie.
struct SlowerTierModel {
    struct Entry: Equatable {
        var version: Int
        var deadline: Int64?
    }

    enum Step {
        case query(StoreBatch.Operation)
        case put(version: Int, PutCondition, PutExpiry, wantsPrevious: Bool)
    }

    struct Result: Equatable {
        var result: Int64
        var version: Int?
    }

    private static let byteCount: Int64 = 4096
    var entries: [StorageKey: Entry] = [:]

    /// The entry of a key that has not expired.
    func live(_ key: StorageKey, _ now: Int64) -> Entry? {
        guard let entry = entries[key], entry.deadline ?? .max > now else { return nil }
        return entry
    }

    /// Does a step, and returns what it comes to.
    ///
    /// - Parameter couldNotLoad: Whether the value is not to be had, though the key is stored.
    mutating func perform(
        _ step: Step,
        _ key: StorageKey,
        now: Int64,
        couldNotLoad: Bool = false
    ) -> Result {
        let entry = live(key, now)
        switch step {
        case .query(let operation): return query(operation, key, entry, now, couldNotLoad)
        case .put(let version, let condition, let expiry, let wantsPrevious):
            let old = wantsPrevious && couldNotLoad ? nil : entry
            let previous = wantsPrevious ? old?.version : nil
            guard condition.holds(isPresent: old != nil) else {
                return Result(result: StoreBatch.putConditionFailed, version: previous)
            }
            let deadline: Int64? =
                switch expiry {
                case .never: nil
                case .kept: old?.deadline
                case .at(let milliseconds): milliseconds
                }
            entries[key] = deadline ?? .max <= now ? nil : Entry(version: version, deadline: deadline)
            return Result(result: StoreBatch.putStored, version: previous)
        }
    }

    private mutating func query(
        _ operation: StoreBatch.Operation,
        _ key: StorageKey,
        _ entry: Entry?,
        _ now: Int64,
        _ couldNotLoad: Bool
    ) -> Result {
        guard let entry else { return Result(result: operation.resultOfMiss) }
        switch operation {
        case .contains, .peek: return Result(result: 1)
        case .byteCount, .physicalByteCount: return Result(result: Self.byteCount)
        case .deadline: return Result(result: entry.deadline ?? -1)
        case .acquire:
            return couldNotLoad ? Result(result: -1) : Result(result: Self.byteCount, version: entry.version)
        case .remove:
            entries[key] = nil
            return Result(result: 1)
        case .persist:
            entries[key]?.deadline = nil
            return Result(result: entry.deadline == nil ? 0 : 1)
        case .setDeadline(let milliseconds, let condition):
            guard condition.holds(old: entry.deadline, new: milliseconds) else { return Result(result: 0) }
            if milliseconds <= now { entries[key] = nil } else { entries[key]?.deadline = milliseconds }
            return Result(result: 1)
        }
    }
}
