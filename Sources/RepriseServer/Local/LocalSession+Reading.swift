internal import RepriseCore
internal import RepriseNode
internal import RepriseWire

/// Lookups and leases.
extension LocalSession {
    /// Starts what a message's keys wait for; the message is tried again when it has come.
    private func waitForLoads(_ message: borrowing Message, on connection: Connection) -> Step {
        context.load(
            context.batch.coldKeys,
            byteCount: context.batch.coldByteCount,
            for: connection,
            isSameRequest: message.isFirst
        )
        context.batch.removeAll()
        return .wait(.loads)
    }

    /// Tells the batch what a message has waited for in vain.
    private func limitLoads(_ message: borrowing Message, on connection: Connection) {
        if message.isLastTry { context.batch.isLoadingRefused = true }
        guard message.isFirst, let wait = connection.loadWait else { return }
        context.batch.absentKeys = wait.absentKeys
        if wait.round >= context.limits.loadRoundCountMax { context.batch.isLoadingRefused = true }
    }

    /// Performs a batch that asks for every key of a message; `false` when it has to wait for loads.
    private func ask(
        _ operation: StoreBatch.Operation,
        _ keys: borrowing LocalKeys,
        _ message: borrowing Message,
        on connection: Connection
    ) -> Bool {
        keys.forEach { _, key in
            context.batch.append(operation, key: key)
            return true
        }
        limitLoads(message, on: connection)
        backend.perform(&context.batch)
        return context.batch.performedCount == context.batch.count || context.batch.coldKeys.isEmpty
    }

    func exists(_ message: borrowing Message, on connection: Connection) throws(WireError) -> Step {
        let keys = try LocalKeys(body: message.body, count: message.header.count)
        guard ask(.contains, keys, message, on: connection) else {
            return waitForLoads(message, on: connection)
        }
        beginAnswer(to: message.header, bodyByteCount: 4 * keys.count, count: keys.count)
        for index in 0..<keys.count {
            let isStored = context.batch.result(at: index) == 1
            context.counters.add(isStored ? .existHits : .existMisses)
            LocalNumbers.append(isStored ? .ok : .missing, to: &answer)
        }
        context.batch.removeAll()
        send(on: connection)
        return .done
    }

    func lookup(
        _ message: borrowing Message,
        in share: LocalShare,
        on connection: Connection
    ) throws(WireError) -> Step {
        let keys = try LocalKeys(body: message.body, count: message.header.count)
        let isComplete = ask(.contains, keys, message, on: connection)
        var prefix = 0
        while prefix < context.batch.performedCount, context.batch.result(at: prefix) == 1 { prefix += 1 }
        // What comes behind a gap need not be waited for.
        if !isComplete, prefix == context.batch.performedCount {
            return waitForLoads(message, on: connection)
        }
        context.counters.add(.existHits, prefix)
        if prefix < keys.count { context.counters.add(.existMisses) }
        context.batch.removeAll()
        var number: UInt64 = 0
        if prefix > 0, message.header.flags.contains(.keeps) {
            number = keep(prefix, of: keys, in: share)
        } else {
            touch(prefix, of: keys)
        }
        beginAnswer(to: message.header, count: prefix, argument: number)
        send(on: connection)
        return .done
    }

    /// Counts the first keys as used, the first one last.
    private func touch(_ count: Int, of keys: borrowing LocalKeys) {
        keys.forEachReversed(first: count) { context.batch.append(.contains, key: $0) }
        context.batch.isLoadingRefused = true
        backend.perform(&context.batch)
        context.batch.removeAll()
    }

    /// Keeps the values of the first keys, and loads those that are behind the memory.
    private func keep(_ count: Int, of keys: borrowing LocalKeys, in share: LocalShare) -> UInt64 {
        let number = share.beginKeeping(now: .now)
        var wanted: [StorageKey] = []
        keys.forEach { index, key in
            guard index < count else { return false }
            wanted.append(StorageKey(copying: key))
            context.batch.append(.acquire, key: key)
            return true
        }
        context.batch.isLoadingRefused = true
        backend.perform(&context.batch)
        var missing: [StorageKey] = []
        var isFull = false
        for (index, key) in wanted.enumerated() {
            guard let object = context.batch.takeObject(at: index) else {
                missing.append(key)
                continue
            }
            if isFull { object.release() } else { isFull = !share.keep(object, key, for: number) }
        }
        context.batch.removeAll()
        guard !isFull else { return number }
        for key in missing.prefix(StoreBatch.coldKeyCountMax) {
            backend.load(key) { object in
                if let object { share.keep(object, key, for: number) }
            }
        }
        return number
    }

    func forget(_ message: borrowing Message, in share: LocalShare, on connection: Connection) {
        let isKnown = share.forget(message.header.argument)
        guard message.header.flags.contains(.wantsReply) else { return }
        beginAnswer(to: message.header, status: isKnown ? .ok : .unknownIdentifier)
        send(on: connection)
    }

    func acquire(
        _ message: borrowing Message,
        in share: LocalShare,
        on connection: Connection
    ) throws(WireError) -> Step {
        let keys = try LocalKeys(body: message.body, count: message.header.count)
        let number = message.header.argument
        var kept = number == 0 ? nil : share.takeKept(number)
        // Of each key the kept value, once; the batch is asked for the others.
        var wanted: [(key: StorageKey, kept: MemoryObject?)] = []
        wanted.reserveCapacity(keys.count)
        keys.forEach { _, key in
            let key = StorageKey(copying: key)
            let object = kept?.objects.removeValue(forKey: key)
            if object == nil { context.batch.append(.acquire, key: key.bytes.rawSpan) }
            wanted.append((key, object))
            return true
        }
        let (rest, mayPass) = share.leasableByteCount
        let own = StoreBatch.Allowance(byteCount: rest, mayPassWithOne: mayPass)
        context.batch.limitHeldBytes(to: own, StoreBatch.Allowance(byteCount: .max, mayPassWithOne: true))
        limitLoads(message, on: connection)
        backend.perform(&context.batch)
        if context.batch.performedCount < context.batch.count, !context.batch.coldKeys.isEmpty {
            for (key, object) in wanted { if let object { kept?.objects[key] = object } }
            if let kept { share.putBack(kept, number) }
            return waitForLoads(message, on: connection)
        }
        lease(wanted, in: share, answering: message.header)
        context.batch.removeAll()
        for object in kept.map({ Array($0.objects.values) }) ?? [] { share.giveBack(object) }
        send(on: connection)
        return .done
    }

    /// Makes leases of what the batch found and a lookup kept, and answers with them.
    private func lease(
        _ wanted: [(key: StorageKey, kept: MemoryObject?)],
        in share: LocalShare,
        answering header: LocalHeader
    ) {
        beginAnswer(to: header, bodyByteCount: LocalLease.byteCount * wanted.count, count: wanted.count)
        let now = ContinuousClock.now
        var position = 0
        var isFull = false
        for (key, kept) in wanted {
            var object = kept
            let wasKept = kept != nil
            if !wasKept {
                isFull = isFull || position >= context.batch.performedCount
                if !isFull { object = context.batch.takeObject(at: position) }
                position += 1
            }
            let lease = lease(object, key, wasKept: wasKept, isFull: &isFull, in: share, now)
            context.counters.add(lease.status == .ok ? .getHits : .getMisses)
            lease.append(to: &answer)
        }
    }

    private func lease(
        _ object: MemoryObject?,
        _ key: StorageKey,
        wasKept: Bool,
        isFull: inout Bool,
        in share: LocalShare,
        _ now: ContinuousClock.Instant
    ) -> LocalLease {
        guard let object else { return LocalLease(isFull ? .limitReached : .missing) }
        guard let offset = object.address else {
            wasKept ? share.giveBack(object) : object.release()
            return LocalLease(.missing)
        }
        let byteCount = object.physicalByteCount
        if !wasKept, !isFull { isFull = !share.takeLeased(byteCount) }
        guard wasKept || !isFull, holdings.leases.count < host.limits.leaseCountMax else {
            wasKept ? share.giveBack(object) : object.release()
            isFull = true
            return LocalLease(.limitReached)
        }
        context.counters.add(.localLeases)
        context.counters.add(.localLeasedBytes, byteCount)
        let identifier = holdings.add(LocalHoldings.Lease(object: object, key: key, since: now))
        return LocalLease(
            offset: offset,
            valueByteCount: object.byteCount,
            identifier: identifier,
            metadata: object.metadata
        )
    }

    func release(
        _ message: borrowing Message,
        in share: LocalShare,
        on connection: Connection
    ) throws(WireError) {
        let numbers = try LocalNumbers.numbers(of: message.body, count: message.header.count)
        let wantsReply = message.header.flags.contains(.wantsReply)
        if wantsReply {
            beginAnswer(to: message.header, bodyByteCount: 4 * numbers.count, count: numbers.count)
        }
        var released: [MemoryObject] = []
        for number in numbers {
            let lease = holdings.removeLease(number)
            if let lease { released.append(lease.object) } else { context.counters.add(.localUnknownNumbers) }
            if wantsReply { LocalNumbers.append(lease == nil ? .unknownIdentifier : .ok, to: &answer) }
        }
        giveBack(released, to: share)
        if wantsReply { send(on: connection) }
    }

    /// Gives leased values back, the last first: a prefix's head ends up the most recent.
    func giveBack(_ objects: [MemoryObject], to share: LocalShare) {
        guard !objects.isEmpty else { return }
        let byteCount = objects.reduce(0) { $0 + $1.physicalByteCount }
        context.counters.subtract(.localLeases, objects.count)
        context.counters.subtract(.localLeasedBytes, byteCount)
        share.giveLeased(byteCount)
        for object in objects.reversed() { object.release() }
    }

    func stats(_ message: borrowing Message, in share: LocalShare, on connection: Connection) {
        let statistics = backend.statistics
        let held = share.heldByteCounts
        var stats = LocalStats()
        stats.capacityByteCount = UInt64(statistics.capacityByteCount)
        stats.usedByteCount = UInt64(statistics.usedByteCount)
        stats.entryCount = UInt64(statistics.store.entryCount)
        stats.leasedByteCount = UInt64(held.leased)
        stats.reservedByteCount = UInt64(held.reserved)
        beginAnswer(to: message.header, bodyByteCount: LocalStats.byteCount)
        stats.append(to: &answer)
        send(on: connection)
    }
}
