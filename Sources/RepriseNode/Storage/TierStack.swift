package import RepriseCore
package import RepriseRemote

// SAFETY, whole file: references to keys are not kept beyond the calls that they are given to.

/// What is behind a node's memory: its disks, other nodes, a remote store, and the directory that tells other
/// nodes what is here.
///
/// What a put or a removal means for stores elsewhere is noted under the memory's lock and done after it, in
/// the same order. A key that is not here is asked for at peers, and then in the remote store, once for all
/// that want it meanwhile; what comes is stored unless the key has been put or removed since.
///
/// Values that expire are this node's alone: no store elsewhere has them, and no peer is told of them.
package final class TierStack: SlowerTier {
    /// A load from elsewhere, which serves everybody who wants its key meanwhile.
    // Sendable: mutable properties are touched under the stack's lock only.
    final class Flight: @unchecked Sendable {
        var waiters: [@Sendable (MemoryObject?) -> Void] = []
        /// What has come; the memory is about to get it.
        var object: MemoryObject?
    }

    /// Something to do elsewhere.
    enum Effect {
        /// The key's older value counts no more.
        case withdrawn(StorageKey)
        /// The key has a value; the object has a reference of its own, if a remote store is to get it.
        case stored(StorageKey, MemoryObject?)
        /// The key's value has come from elsewhere.
        case arrived(StorageKey)
        /// Others' copies of the value do not expire.
        case expires(StorageKey)
        /// The memory has let go of the key, and no disk has it.
        case left(StorageKey)
        /// Every key was removed.
        case cleared
    }

    struct State {
        var flights: [StorageKey: Flight] = [:]
        /// Flights whose value has come.
        var arrivedCount = 0
        var effects = Fifo<Effect>()
        var isDraining = false
        /// The key that was withdrawn last: a put's offer comes right behind it, another offer does not.
        var lastWithdrawn: StorageKey?
        var isClosed = false
    }

    let state = Lock(State())
    let memory: Lock<LocalCPUBackend?>
    let disk: (any SlowerTier)?
    let peers: PeerBackend?
    let remote: RemoteBackend?
    let directory: (any LookupDirectory)?

    /// Composes what there is; the memory is the caller's to attach it to.
    package init(
        memory: LocalCPUBackend,
        disk: (any SlowerTier)?,
        peers: PeerBackend?,
        remote: RemoteBackend?,
        directory: (any LookupDirectory)?
    ) {
        self.memory = Lock(memory)
        (self.disk, self.peers, self.remote, self.directory) = (disk, peers, remote, directory)
    }

    /// What a disk has, or what has just come from elsewhere.
    package func find(_ key: KeyReference) -> SlowerEntry? {
        if let entry = unsafe disk?.find(key) { return entry }
        return state.withLock { state in
            guard state.arrivedCount > 0,
                let object = unsafe state.flights[StorageKey([UInt8](key.bytes))]?.object
            else { return nil }
            return SlowerEntry(
                byteCount: object.byteCount,
                physicalByteCount: object.physicalByteCount,
                deadline: nil
            )
        }
    }

    /// Whether there is anybody else to ask.
    package func mayBeElsewhere(_ key: KeyReference) -> Bool { peers != nil || remote != nil }

    /// Forgets a key's older copies, wherever they are.
    package func withdraw(_ key: KeyReference) -> RecordedChange? {
        let change = unsafe disk?.withdraw(key)
        let key = unsafe StorageKey([UInt8](key.bytes))
        state.withLock { state in
            state.outdate(key)
            state.lastWithdrawn = key
            state.effects.append(.withdrawn(key))
        }
        return change
    }

    /// Takes a value for the disks, and notes that stores elsewhere are to get it.
    package func offer(_ key: KeyReference, _ object: MemoryObject, deadline: Int64?) -> Bool {
        let isTaken = unsafe disk?.offer(key, object, deadline: deadline) ?? false
        let key = unsafe StorageKey([UInt8](key.bytes))
        let isNoted = state.withLock { state -> Bool in
            // What is offered once more, before it is evicted, is known elsewhere.
            guard state.lastWithdrawn == key, !state.isClosed else { return false }
            state.lastWithdrawn = nil
            guard deadline == nil else { return false }
            if remote != nil { object.retain() }
            state.effects.append(.stored(key, remote == nil ? nil : object))
            return remote != nil
        }
        return isTaken || isNoted
    }

    /// Sets when a disk's copy expires.
    package func setDeadline(_ key: KeyReference, to deadline: Int64?) -> RecordedChange? {
        if deadline != nil {
            let key = unsafe StorageKey([UInt8](key.bytes))
            state.withLock { $0.effects.append(.expires(key)) }
        }
        return unsafe disk?.setDeadline(key, to: deadline)
    }

    /// Counts a key as just used, or notes that the memory has let go of it.
    package func touch(_ key: KeyReference) {
        unsafe disk?.touch(key)
        guard directory != nil, unsafe disk?.holds(key) != true else { return }
        let key = unsafe StorageKey([UInt8](key.bytes))
        state.withLock { $0.effects.append(.left(key)) }
    }

    /// Whether a disk has a key; without one nothing is offered again.
    package func holds(_ key: KeyReference) -> Bool { unsafe disk?.holds(key) ?? true }

    /// Keys and entries are those of the disks.
    package func scan(from cursor: UInt64, count: Int) -> (keys: [StorageKey], next: UInt64) {
        disk?.scan(from: cursor, count: count) ?? ([], 0)
    }

    /// Keys on disks.
    package var entryCount: Int { disk?.entryCount ?? 0 }
}

extension TierStack.State {
    /// Lets a load that is under way take no effect any more; those who wait for it find nothing there.
    mutating func outdate(_ key: StorageKey) {
        guard let flight = flights.removeValue(forKey: key) else { return }
        if flight.object != nil { arrivedCount -= 1 }
    }

    /// Outdates every load.
    mutating func outdateAll() {
        flights = [:]
        arrivedCount = 0
    }
}
