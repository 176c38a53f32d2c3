internal import RepriseCore

extension DiskStore.State {
    /// Makes every record void that was written before, in one step.
    mutating func beginWithdrawingAll(_ change: RecordedChange, in store: DiskStore) {
        sequence = sequence.next
        floor = sequence
        for job in jobs.values.sorted(by: { $0.slot < $1.slot }) {
            if table.entries[job.slot].status == .queued {
                forget(job)
                end(job, stored: false)
            } else {
                withdrawWriting(job.slot, waiting: nil, in: store)
            }
        }
        journal.append(.floor(floor))
        flushJournal(in: store)
        guard !health.isOut else {
            // Written with the superblock when the disk is back.
            actions.afterwards.append { change.recordPart() }
            return
        }
        pendingFloorCount += 1
        floorWaiters.append(change)
        let superblock = nextSuperblock()
        actions.requests.append(
            IORequest(priority: .record) {
                let result = store.write(superblock)
                store.perform { state in
                    state.note(result, in: store)
                    if case .failure = result { state.takeOut(.cannotRecord, in: store) }
                    state.pendingFloorCount -= 1
                    if state.pendingFloorCount == 0 { state.tellFloorWaiters() }
                }
            }
        )
    }

    /// Tells those who wait for a raised floor.
    mutating func tellFloorWaiters() {
        let changes = floorWaiters
        floorWaiters = []
        guard !changes.isEmpty else { return }
        actions.afterwards.append { for change in changes { change.recordPart() } }
    }

    /// Forgets a batch of entries that have become void; returns the slot to go on with, `nil` after the
    /// last.
    mutating func forgetVoidEntries(from start: EntrySlot, in store: DiskStore) -> EntrySlot? {
        let end = min(table.slotHighWater, start + EntrySlot(DiskLimits.batchEntryCount))
        for slot in start..<max(start, end) where table.isStored(slot) {
            let entry = table.entries[slot]
            guard entry.sequence < floor else { continue }
            removeStored(slot, in: store)
            if holds[entry.block] == nil { extents.free(entry.block) } else { doomed.insert(entry.block) }
        }
        startWrites(in: store)
        return end < table.slotHighWater ? end : nil
    }

    /// The superblock with what is known now, for the place of the older copy.
    mutating func nextSuperblock() -> Superblock {
        superblock.saveNumber += 1
        superblock.floor = floor
        return superblock
    }
}
