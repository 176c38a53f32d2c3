internal import CReprise
internal import RepriseCore

// SAFETY, whole file: the caller keeps the results' memory until the batch is drained, and they are written
// before.

/// A batch that one of the client's threads carries out.
@safe
struct SubmittedBatch: Sendable {
    /// What is done, and with which values.
    enum Work: Sendable {
        case set(ValueTable)
        case get(ValueTable, lookup: UInt64)
        case exists
        case remove
        case lookUp
    }

    let work: Work
    let keys: KeyTable
    nonisolated(unsafe) let results: UnsafeMutablePointer<Int64>

    init(_ work: Work, _ keys: KeyTable, results: UnsafeMutablePointer<Int64>) {
        self.work = work
        self.keys = keys
        unsafe self.results = results
    }

    /// Carries the batch out, and writes its results.
    func run(on store: any Store) throws(CallError) {
        let values: [Int64]
        switch work {
        case .set(let table): values = try store.set(keys, table)
        case .get(let table, let lookup): values = try store.get(keys, table, lookup: lookup)
        case .exists: values = try store.exists(keys)
        case .remove: values = try store.remove(keys)
        case .lookUp: values = [Int64(try store.lookUp(keys, keeping: false).prefix)]
        }
        for (index, value) in values.enumerated() { unsafe results[index] = value }
    }
}
