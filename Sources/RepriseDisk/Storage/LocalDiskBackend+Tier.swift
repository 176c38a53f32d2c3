package import RepriseCore

// SAFETY, whole file: references to keys are not kept beyond the calls that they are given to.

extension LocalDiskBackend: SlowerTier {
    /// What is stored for a key, or `nil`.
    package func find(_ key: KeyReference) -> SlowerEntry? {
        for disk in disks {
            if let entry = unsafe disk.find(key) { return entry }
        }
        return nil
    }

    /// Forgets a key's older copy.
    package func withdraw(_ key: KeyReference) -> RecordedChange? {
        RecordedChange(joining: disks.compactMap { unsafe $0.withdraw(key) })
    }

    /// Takes a value as a put task.
    package func offer(_ key: KeyReference, _ object: MemoryObject, deadline: Int64?) -> Bool {
        unsafe submit(key, object, deadline: deadline) != nil
    }

    /// Sets when a key's value expires.
    package func setDeadline(_ key: KeyReference, to deadline: Int64?) -> RecordedChange? {
        RecordedChange(joining: disks.compactMap { unsafe $0.setDeadline(key, to: deadline) })
    }

    /// Counts a key as just used.
    package func touch(_ key: KeyReference) {
        for disk in disks { unsafe disk.touch(key) }
    }

    /// Whether a key is stored or on its way.
    package func holds(_ key: KeyReference) -> Bool {
        disks.contains { unsafe $0.holds(key) }
    }

    /// Starts what was decided under other locks.
    package func start() {
        for disk in disks { disk.start() }
    }

    /// Brings a key's value into memory.
    package func load(_ key: StorageKey, completion: @escaping @Sendable (MemoryObject?) -> Void) {
        if !beginLoad(key, promoting: true, completion) { completion(nil) }
    }

    /// Forgets every key.
    package func withdrawAll() -> RecordedChange? {
        RecordedChange(joining: disks.compactMap { $0.withdrawAll() })
    }

    /// Stored keys from a place on; the disk's number is in the upper bits of the cursor.
    package func scan(from cursor: UInt64, count: Int) -> (keys: [StorageKey], next: UInt64) {
        let shift: UInt64 = 32
        let number = Int(cursor >> shift)
        guard number < disks.count else { return ([], 0) }
        let (keys, next) = disks[number].scan(from: cursor & (1 << shift - 1), count: count)
        if next != 0 { return (keys, UInt64(number) << shift | next) }
        return (keys, number + 1 < disks.count ? UInt64(number + 1) << shift : 0)
    }

    /// Keys that are stored.
    package var entryCount: Int { statistics.reduce(0) { $0 + ($1.isOut ? 0 : $1.entryCount) } }

    /// Takes a value as a put task; ``start()`` follows.
    package func submit(_ key: KeyReference, _ object: MemoryObject, deadline: Int64?) -> PutTask? {
        let chosen = unsafe disk(for: key)
        // A key that lies elsewhere, because this disk was out or is new, must not be found there any more.
        for disk in disks where disk !== chosen { _ = unsafe disk.withdraw(key) }
        return unsafe chosen.submit(key, object, deadline: deadline)
    }

    /// The disk that a key's value goes to: by capacity, and to the next one if that is out.
    private func disk(for key: KeyReference) -> DiskStore {
        guard disks.count > 1 else { return disks[0] }
        let total = disks.reduce(0) { $0 + UInt64($1.layout.unitCount) }
        var rest = unsafe key.fingerprint % total
        var index = 0
        while rest >= UInt64(disks[index].layout.unitCount) {
            rest -= UInt64(disks[index].layout.unitCount)
            index += 1
        }
        for step in 0..<disks.count {
            let disk = disks[(index + step) % disks.count]
            if !disk.isOut { return disk }
        }
        return disks[index]
    }

    /// Begins to read a value; `false` when it is not stored, and nobody is called back then.
    package func beginLoad(
        _ key: StorageKey,
        promoting: Bool,
        _ completion: @escaping @Sendable (MemoryObject?) -> Void
    ) -> Bool {
        for disk in disks {
            let start = unsafe key.withReference {
                unsafe disk.beginLoad($0, promoting: promoting, completion: completion)
            }
            switch start {
            case .absent: continue
            case .joined: return true
            case .begun(let ticket):
                read(ticket, from: disk)
                return true
            }
        }
        return false
    }

    private func read(_ ticket: DiskStore.LoadTicket, from disk: DiskStore) {
        guard let memory = memory.withLock({ $0 }),
            let object = memory.allocateForLoad(byteCount: ticket.byteCount)
        else { return disk.giveUp(ticket) }
        disk.read(ticket, into: object) { object in
            memory.promote(object, for: ticket.key) { disk.isCurrent(ticket) }
        }
    }
}
