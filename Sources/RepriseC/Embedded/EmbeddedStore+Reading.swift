internal import RepriseCore
internal import RepriseNode
internal import RepriseWire

// SAFETY, whole file: bytes are reached through objects that the caller's, or a lease's, reference keeps.

extension EmbeddedStore {
    func get(_ keys: KeyTable, _ values: ValueTable, lookup: UInt64) throws(CallError) -> [Int64] {
        let kept = takeKept(lookup)
        defer { for object in kept.values { object.release() } }
        var results = [Int64](repeating: Status.missing.result, count: keys.count)
        for window in windows(of: values) {
            let objects = objects(of: keys, window, kept)
            for (index, object) in zip(window, objects) {
                guard let object else { continue }
                results[index] = copy(object, to: values, index)
                object.release()
            }
        }
        return results
    }

    func lookUp(_ keys: KeyTable, keeping: Bool) throws(CallError) -> (prefix: Int, lookup: UInt64) {
        let keys = (0..<keys.count).map { keys.storageKey(at: $0) }
        releaseExpired()
        let prefix = node.memory.batchedContains(keys, pinning: false)
        node.memory.touch(keys[..<prefix])
        guard keeping, prefix > 0 else { return (prefix, 0) }
        var objects: [StorageKey: MemoryObject] = [:]
        for key in keys[..<prefix] where objects[key] == nil {
            switch node.server.lookUp(key) {
            case .object(let object):
                guard held.withLock({ $0.hold(object.byteCount) }) else {
                    object.release()
                    return (prefix, keep(objects))
                }
                objects[key] = object
            case .mustLoad:
                // On its way into memory, where the one who redeems the lookup finds it.
                node.server.load(key) { $0?.release() }
            case .absent: break
            }
        }
        return (prefix, keep(objects))
    }

    func forget(_ lookup: UInt64) throws(CallError) {
        for object in takeKept(lookup).values { object.release() }
    }

    func acquire(_ keys: KeyTable, countMax: Int) throws(CallError) -> [AcquiredValue] {
        releaseExpired()
        var values: [AcquiredValue] = []
        var leaseCount = 0
        for index in 0..<keys.count {
            guard let object = objects(of: keys, index..<(index + 1), [:])[0] else {
                values.append(AcquiredValue(.missing))
                continue
            }
            let byteCount = object.byteCount
            guard leaseCount < countMax, held.withLock({ $0.hold(byteCount) }) else {
                object.release()
                values += (index..<keys.count).map { _ in AcquiredValue(.noRoom) }
                break
            }
            leaseCount += 1
            values.append(EmbeddedStore.value(of: object, byteCount))
        }
        return values
    }

    func release(_ leases: [HeldLease]) {
        for lease in leases {
            guard case .object(let object) = lease.holder else { continue }
            held.withLock { $0.letGo(lease.byteCount) }
            object.release()
        }
    }

    private static func value(of object: MemoryObject, _ byteCount: Int) -> AcquiredValue {
        let lease = HeldLease(holder: .object(object), byteCount: byteCount)
        guard let address = unsafe object.mutableBytes.baseAddress else { return AcquiredValue(.missing) }
        var value = unsafe AcquiredValue(at: UnsafeRawPointer(address), lease)
        let described = LocalLease(
            offset: 0,
            valueByteCount: byteCount,
            identifier: 0,
            metadata: object.metadata
        )
        (value.format, value.dtype, value.shape) = (described.format, described.dtype, described.shape)
        return value
    }

    private func copy(_ object: MemoryObject, to values: ValueTable, _ index: Int) -> Int64 {
        let byteCount = object.byteCount
        guard byteCount == values.byteCount(at: index) else { return Status.length.result }
        // SAFETY: the caller's memory and the object have as many bytes, and the object is referenced.
        if let place = unsafe object.mutableBytes.baseAddress { unsafe values.scatter(index, from: place) }
        counters.addLoaded(byteCount)
        return Int64(byteCount)
    }

    /// The parts of a batch whose values are held at a time, the last first, so that the head of a prefix is
    /// the most recent.
    private func windows(of values: ValueTable) -> [Range<Int>] {
        let byteCountMax = node.server.capacityByteCount / Self.windowFractionDivisor
        return Windows.split(count: values.count, byteCountMax: byteCountMax) { values.byteCount(at: $0) }
            .reversed()
    }

    /// The values of some keys with references for the caller; loads what is behind the memory, all at once.
    private func objects(
        of keys: KeyTable,
        _ range: Range<Int>,
        _ kept: [StorageKey: MemoryObject]
    ) -> [MemoryObject?] {
        let found = Lock([MemoryObject?](repeating: nil, count: range.count))
        let loads = Countdown(range.count)
        for index in range.reversed() {
            let key = keys.storageKey(at: index)
            let store: @Sendable (MemoryObject?) -> Void = { object in
                found.withLock { $0[index - range.lowerBound] = object }
                loads.countDown()
            }
            if let object = kept[key] {
                object.retain()
                store(object)
                continue
            }
            switch node.server.lookUp(key) {
            case .object(let object): store(object)
            case .mustLoad: node.server.load(key, completion: store)
            case .absent: store(nil)
            }
        }
        // Every load ends, with a value or without; what came after this had returned would be nobody's.
        while !loads.wait(atMost: Self.waitingTimeMax) {}
        return found.withLock { $0 }
    }

    private func keep(_ objects: [StorageKey: MemoryObject]) -> UInt64 {
        guard !objects.isEmpty else { return 0 }
        return held.withLock { $0.keep(objects, now: .now) }
    }

    private func takeKept(_ lookup: UInt64) -> [StorageKey: MemoryObject] {
        releaseExpired()
        return lookup == 0 ? [:] : held.withLock { $0.take(lookup) }
    }

    private func releaseExpired() {
        for object in held.withLock({ $0.takeExpired(now: .now) }) { object.release() }
    }
}
