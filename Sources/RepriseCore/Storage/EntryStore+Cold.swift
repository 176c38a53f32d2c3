// SAFETY, whole file: keys lie in the batch, or with the caller, during the call.

/// Steps of a batch whose keys are behind the memory.
extension EntryStore.State {
    /// Whether a step can be performed now: not when it wants a value that is to be loaded first.
    func mayPerform(_ step: StoreBatch.Step, _ key: KeyReference, in batch: borrowing StoreBatch) -> Bool {
        guard let slower, step.wantsValue || step.asksElsewhere, !batch.isLoadingRefused,
            unsafe slot(of: key) == nil, unsafe mustLoad(step, key, from: slower)
        else {
            return true
        }
        return unsafe !batch.absentKeys.isEmpty && batch.absentKeys.contains(StorageKey([UInt8](key.bytes)))
    }

    /// Whether a step cannot be answered from what is known here.
    private func mustLoad(_ step: StoreBatch.Step, _ key: KeyReference, from slower: any SlowerTier) -> Bool {
        if unsafe slower.find(key) != nil { return step.wantsValue }
        return unsafe step.asksElsewhere && slower.mayBeElsewhere(key)
    }

    /// Names the keys of a step and of those behind it whose values are to be loaded: as many as fit into the
    /// share of the memory that one batch may load, or one; none that would pass what the batch may hold.
    func collectColdKeys(
        _ batch: inout StoreBatch,
        from start: Int,
        _ bytes: UnsafeRawBufferPointer,
        byteCountMax: Int
    ) {
        var keys: [StorageKey] = []
        var byteCount = 0
        var elsewhereCount = 0
        var allowances = batch.allowances
        for step in batch.steps[start...] where keys.count < StoreBatch.coldKeyCountMax {
            let range = step.keyStart..<(step.keyStart + step.keyByteCount)
            let key = unsafe KeyReference(
                bytes: UnsafeRawBufferPointer(rebasing: bytes[range]),
                fingerprint: step.fingerprint
            )
            guard unsafe !mayPerform(step, key, in: batch) else { continue }
            let entry = unsafe slower?.find(key)
            if entry == nil { elsewhereCount += 1 }
            guard elsewhereCount <= StoreBatch.elsewhereKeyCountMax else { break }
            let valueByteCount = entry?.byteCount ?? 0
            let isInShare = keys.isEmpty || valueByteCount <= byteCountMax - min(byteCountMax, byteCount)
            guard isInShare, allowances.take(valueByteCount) else { break }
            byteCount += valueByteCount
            unsafe keys.append(StorageKey([UInt8](key.bytes)))
        }
        batch.coldKeys = keys
        batch.coldByteCount = byteCount
    }

    /// Answers a question about a key that is not in memory, and changes it behind.
    mutating func answerCold(_ operation: StoreBatch.Operation, _ key: KeyReference) -> Int64 {
        guard let slower, let entry = unsafe slower.find(key) else { return operation.resultOfMiss }
        switch operation {
        case .contains, .peek: return 1
        case .byteCount:
            unsafe slower.touch(key)
            return Int64(entry.byteCount)
        case .physicalByteCount: return Int64(entry.physicalByteCount)
        case .deadline: return entry.deadline ?? -1
        case .acquire, .remove: return operation.resultOfMiss
        case .persist:
            guard entry.deadline != nil else { return 0 }
            unsafe setSlowerDeadline(key, to: nil)
            return 1
        case .setDeadline(let milliseconds, let condition):
            guard condition.holds(old: entry.deadline, new: milliseconds) else { return 0 }
            if milliseconds <= wallClock.nowMilliseconds {
                unsafe withdrawSlower(key)
            } else {
                unsafe setSlowerDeadline(key, to: milliseconds)
            }
            return 1
        }
    }

    /// Sets when a key's copy behind the memory expires.
    mutating func setSlowerDeadline(_ key: KeyReference, to deadline: Int64?) {
        guard let slower else { return }
        if let change = unsafe slower.setDeadline(key, to: deadline) { changes.append(change) }
    }
}

extension StoreBatch.Step {
    /// Whether the step asks for a key wherever it may be, as GET and EXISTS do; others, and the conditions
    /// of puts, are about this store alone.
    var asksElsewhere: Bool {
        switch kind {
        case .query(.acquire), .query(.contains): true
        case .query, .put: false
        }
    }

    /// Whether the step hands out the value that its key has.
    var wantsValue: Bool {
        switch kind {
        case .query(.acquire): true
        case .query: false
        case .put(let put): put.wantsPrevious
        }
    }
}
