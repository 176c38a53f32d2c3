public import RepriseCore

extension StorageManager {
    /// Loads of many keys at once: those that nobody loads yet, and those that somebody does.
    ///
    /// All loads of the batch have ended before it waits for one that is not its own, so that two batches
    /// never wait for each other.
    private struct BatchedLoad {
        let keys: [StorageKey]
        /// What was found so far, with references for the caller.
        var objects: [MemoryObject?]
        var loads: [(index: Int, flight: Flight)] = []
        var waits: [(index: Int, flight: Flight)] = []
        /// How many of the first keys memory had.
        let memoryCount: Int
        /// What an observer is told when all loads of the batch have ended, so that it may ask for them.
        var reports: [(index: Int, place: Int?, promotedTo: TierSet?)] = []

        /// Takes what memory has of the first keys.
        init(_ keys: [StorageKey], in memory: LocalCPUBackend) {
            self.keys = keys
            let found = memory.batchedGetBlocking(keys)
            memoryCount = found.count
            objects = found + [MemoryObject?](repeating: nil, count: keys.count - found.count)
        }

        var loadKeys: [StorageKey] { loads.map { keys[$0.index] } }
    }

    /// The values of the longest stored prefix of `keys`, with references for the caller.
    ///
    /// What memory has is taken; slower backends are asked for all the rest at once, and what they have is
    /// promoted. All values are held together: mind the memory that they take. Release them from tail to
    /// head, so that the head is evicted last.
    ///
    /// - Complexity: one batched call to each slower backend, and more only where they have parts of the
    ///   prefix in turn.
    public func batchedGet(_ keys: [StorageKey]) -> [MemoryObject] {
        var batch = BatchedLoad(keys, in: memory)
        if batch.memoryCount < keys.count {
            if slower.isEmpty {
                note(&batch, batch.memoryCount, foundAt: nil)
            } else {
                claim(&batch)
                loadPrefix(&batch)
            }
        }
        report(batch)
        awaitOthers(&batch, stopsAtHole: true)
        let count = batch.objects.firstIndex { $0 == nil } ?? keys.count
        for object in batch.objects[count...] { object?.release() }
        return batch.objects[..<count].compactMap { $0 }
    }

    /// The value of each of `keys` that is stored, with references for the caller; `nil` for the others.
    ///
    /// - Complexity: two batched calls to each slower backend, and one more for each value that it has lost
    ///   between them.
    public func batchedGetEach(_ keys: [StorageKey]) -> [MemoryObject?] {
        var batch = BatchedLoad(keys, in: memory)
        if slower.isEmpty {
            for index in batch.memoryCount..<keys.count {
                batch.objects[index] = memory.getBlocking(keys[index])
                note(&batch, index, foundAt: batch.objects[index] == nil ? nil : 0)
            }
        } else {
            claim(&batch)
            loadEach(&batch)
        }
        report(batch)
        awaitOthers(&batch, stopsAtHole: false)
        return batch.objects
    }

    private func note(
        _ batch: inout BatchedLoad,
        _ index: Int,
        foundAt place: Int?,
        promotedTo taken: TierSet? = nil
    ) {
        if observer != nil { batch.reports.append((index, place, taken)) }
    }

    private func report(_ batch: BatchedLoad) {
        guard observer != nil else { return }
        for key in batch.keys[..<batch.memoryCount] { report(key, foundAt: 0) }
        for (index, place, taken) in batch.reports {
            report(batch.keys[index], foundAt: place, promotedTo: taken)
        }
    }

    /// Makes the first of keys the most recent, in slower backends too: a prefix is evicted from its tail,
    /// and what is used in memory is not what a disk evicts first.
    func touch(_ keys: ArraySlice<StorageKey>) {
        for tier in tiers { tier.backend.touch(keys) }
    }

    private func claim(_ batch: inout BatchedLoad) {
        for index in batch.memoryCount..<batch.keys.count {
            switch claim(batch.keys[index]) {
            case .found(let object):
                batch.objects[index] = object
                note(&batch, index, foundAt: 0)
            case .wait(let flight): batch.waits.append((index, flight))
            case .load(let flight): batch.loads.append((index, flight))
            }
        }
    }

    /// Loads what is to be loaded, up to the first that no backend has.
    private func loadPrefix(_ batch: inout BatchedLoad) {
        var rest = batch.loadKeys[...]
        while !rest.isEmpty {
            var count = 0
            for (place, tier) in tiers.enumerated().dropFirst() where count == 0 {
                let objects = tier.backend.batchedGetBlocking(Array(rest))
                count = objects.count
                settle(&batch, rest.startIndex, objects, place)
            }
            if count == 0 { break }
            rest = rest.dropFirst(count)
        }
        guard let missing = rest.indices.first else { return }
        miss(&batch, missing)
        for load in batch.loads[(missing + 1)...] { abandon(batch.keys[load.index], load.flight) }
    }

    /// Ends loads, from the last to the first, so that the first is the most recent where it is promoted.
    private func settle(_ batch: inout BatchedLoad, _ start: Int, _ objects: [MemoryObject], _ place: Int) {
        for (offset, object) in objects.enumerated().reversed() {
            let (index, flight) = batch.loads[start + offset]
            let taken = end(batch.keys[index], flight, object, foundAt: place)
            batch.objects[index] = object
            note(&batch, index, foundAt: place, promotedTo: taken)
        }
    }

    private func miss(_ batch: inout BatchedLoad, _ number: Int) {
        let (index, flight) = batch.loads[number]
        end(batch.keys[index], flight, nil, foundAt: 0)
        note(&batch, index, foundAt: nil)
    }

    /// Loads each that some backend has.
    private func loadEach(_ batch: inout BatchedLoad) {
        var missing = Array(batch.loads.indices)
        for (place, tier) in tiers.enumerated().dropFirst() where !missing.isEmpty {
            let presence = tier.backend.presence(of: missing.map { batch.keys[batch.loads[$0].index] })
            var there = zip(missing, presence).filter(\.1).map(\.0)[...]
            var stillMissing = zip(missing, presence).filter { !$0.1 }.map(\.0)
            while !there.isEmpty {
                let objects = tier.backend.batchedGetBlocking(there.map { batch.keys[batch.loads[$0].index] })
                for (number, object) in zip(there, objects) { settle(&batch, number, [object], place) }
                there = there.dropFirst(objects.count)
                // It was there a moment ago, or cannot be read.
                if let lost = there.popFirst() { stillMissing.append(lost) }
            }
            missing = stillMissing.sorted()
        }
        for number in missing { miss(&batch, number) }
    }

    /// Takes what others load.
    private func awaitOthers(_ batch: inout BatchedLoad, stopsAtHole: Bool) {
        for (index, flight) in batch.waits {
            switch flight.task.wait() {
            case .ended(let object): batch.objects[index] = object
            case .abandoned:
                let isWanted = !stopsAtHole || batch.objects[..<index].allSatisfy { $0 != nil }
                if isWanted { batch.objects[index] = get(batch.keys[index]) }
            }
        }
    }
}
