public import RepriseCore

/// Composes storage backends, fastest first, into one store.
///
/// A put goes to all of them. A get asks memory, then the others in their order; what a slower one has is
/// promoted to the faster ones, and one load serves everybody who wants the key meanwhile. Batches ask each
/// backend for many keys at once, so that those which can load them at the same time do. Backends are known
/// by their protocol only. Memory comes first, and lends the memory that values are made in, also when it
/// stores none itself.
///
/// **Never an old value.** Puts of one key reach all backends in the same order. A backend that refuses a put
/// forgets the key. A load that a put or removal has overtaken serves those who had asked before, and goes
/// nowhere else.
///
/// Calls that may do I/O block; they trap inside a Swift task where their backends do.
///
/// - Source: LMCache `lmcache/v1/storage_backend/storage_manager.py`.
public final class StorageManager: Sendable {
    /// Values in memory.
    public let memory: LocalCPUBackend
    /// All backends with their names, memory first.
    public let tiers: [StorageTier]
    /// The limits that the manager was made with.
    public let limits: StorageManagerLimits
    /// Told what happens; nobody is by default, which costs nothing.
    let observer: StorageObserver?
    let pins = Lock(LookupPins())
    let prefetches: PrefetchQueue
    private let stripes: [Lock<StateMachine>]

    /// The name of the memory backend.
    public static let memoryName = "LocalCPUBackend"
    private static let stripeCount = 64

    /// Composes backends.
    ///
    /// - Parameters:
    ///   - slower: Fastest first, at most 63, with different names, none of them ``memoryName``; else this
    ///     traps.
    ///   - observer: Told what happens; see ``StorageObserver``.
    public init(
        memory: LocalCPUBackend,
        slower: [StorageTier] = [],
        limits: StorageManagerLimits = StorageManagerLimits(),
        observer: StorageObserver? = nil
    ) {
        self.memory = memory
        self.limits = limits
        self.observer = observer
        tiers = [StorageTier(name: Self.memoryName, backend: memory)] + slower
        precondition(Set(tiers.map(\.name)).count == tiers.count, "backends have names of their own")
        precondition(tiers.count <= TierSet.countMax, "a manager has at most 64 backends")
        stripes = (0..<Self.stripeCount).map { _ in Lock(StateMachine()) }
        prefetches = PrefetchQueue(limits)
    }

    deinit {
        // Not waited for: the last reference may be a prefetch's own.
        prefetches.beginClosing()
    }

    /// Bytes of values that are retrieved together.
    var retrievedByteCountMax: Int {
        min(limits.retrievedByteCountMax, memory.pool.capacityByteCount / limits.retrievedFractionDivisor)
    }

    /// The backends behind memory.
    var slower: ArraySlice<StorageTier> { tiers.dropFirst() }

    func stripe(of key: StorageKey) -> Lock<StateMachine> {
        stripes[Int(truncatingIfNeeded: key.fingerprint % UInt64(Self.stripeCount))]
    }

    /// Whether no load or removal is under way.
    var isIdle: Bool { stripes.allSatisfy { $0.withLock { $0.isIdle } } }

    /// Allocates memory for a value, evicting what is needed; see ``LocalCPUBackend/allocate(_:evicting:)``.
    public func allocate(_ metadata: MemoryObjectMetadata) throws(StorageError) -> MemoryObject? {
        try memory.allocate(metadata)
    }

    /// Stores an object everywhere; the backends take references of their own.
    ///
    /// Memory has it when this returns; others take it as put tasks.
    ///
    /// - Returns: How many backends took it.
    @discardableResult
    public func put(_ key: StorageKey, _ object: MemoryObject) -> Int {
        let taken = stripe(of: key).withLock { state in
            state.put(key)
            let taken = offer(object, key, to: 0..<tiers.count)
            for (place, tier) in tiers.enumerated() where !taken.contains(place) {
                // What it has is older than what the others have now, and a later put must not be removed.
                tier.backend.submitRemoveTask(key)
            }
            return taken
        }
        reportOffer(key, to: 0..<tiers.count, taken: taken)
        return taken.count
    }

    /// Puts an object to some backends, from slow to fast, so that memory, which is asked first, has it last.
    ///
    /// - Returns: Those that took it.
    func offer(_ object: MemoryObject, _ key: StorageKey, to places: Range<Int>) -> TierSet {
        var taken = TierSet()
        for place in places.reversed() where tiers[place].backend.submitPutTask(key, object) != nil {
            taken.insert(place)
        }
        return taken
    }

    /// Stores objects under the keys at the same positions, from tail to head.
    ///
    /// - Precondition: as many keys as objects, or this traps.
    public func batchedPut(_ keys: [StorageKey], _ objects: [MemoryObject]) {
        precondition(keys.count == objects.count, "as many keys as objects")
        for index in keys.indices.reversed() { put(keys[index], objects[index]) }
    }

    /// Removes a key everywhere, or from the backends with these names.
    ///
    /// - Returns: How many backends had it.
    @discardableResult
    public func remove(_ key: StorageKey, from names: Set<String>? = nil) -> Int {
        let tiers = chosen(names)
        let tasks = stripe(of: key).withLock { state in
            state.removalBegan(key)
            return tiers.map { $0.backend.submitRemoveTask(key) }
        }
        // A disk writes down what it forgets.
        let isRemoved = tasks.map { $0.wait() }
        stripe(of: key).withLock { $0.removalEnded(key) }
        if let observer {
            for (tier, wasStored) in zip(tiers, isRemoved) where wasStored {
                observer(StorageEvent(.removed, key, in: tier.name))
            }
        }
        return isRemoved.count { $0 }
    }

    /// Removes every key everywhere, or from the backends with these names.
    ///
    /// - Returns: How many keys were removed, each counted once.
    @discardableResult
    public func clear(_ names: Set<String>? = nil) -> Int {
        let keys = Set(chosen(names).flatMap(\.backend.keys))
        return keys.count { remove($0, from: names) > 0 }
    }

    /// The backends with these names, or all.
    func chosen(_ names: Set<String>?) -> [StorageTier] {
        guard let names else { return tiers }
        return tiers.filter { names.contains($0.name) }
    }

    /// Ends prefetches and closes the backends, slowest first; calling it again does nothing.
    public func close() {
        prefetches.close()
        for tier in tiers.reversed() { tier.backend.close() }
    }
}
