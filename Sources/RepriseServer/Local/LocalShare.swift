internal import RepriseCore

/// What the connections of one session hold together, and the lookups that they keep for each other.
final class LocalShare: Sendable {
    /// The values that a lookup keeps, each with one reference.
    struct Kept: Sendable {
        var objects: [StorageKey: MemoryObject] = [:]
        let deadline: ContinuousClock.Instant
    }

    private struct State {
        var leasedByteCount = 0
        var reservedByteCount = 0
        var lastNumber: UInt64 = 0
        /// Numbers only grow, and all lookups live equally long: the least number is the oldest.
        var kept: [UInt64: Kept] = [:]
        var oldestNumber: UInt64 = 1
        var hasEnded = false
    }

    private let state = Lock(State())
    private let leasedByteCountMax: Int
    private let reservedByteCountMax: Int
    private let budget: LocalBudget
    private let limits: LocalSessionLimits
    private let counters: ReactorCounters

    init(
        leasedByteCountMax: Int,
        reservedByteCountMax: Int,
        budget: LocalBudget,
        limits: LocalSessionLimits,
        counters: ReactorCounters
    ) {
        self.leasedByteCountMax = leasedByteCountMax
        self.reservedByteCountMax = reservedByteCountMax
        self.budget = budget
        self.limits = limits
        self.counters = counters
    }

    /// Bytes that leases and kept lookups hold, and reservations take.
    var heldByteCounts: (leased: Int, reserved: Int) {
        state.withLock { ($0.leasedByteCount, $0.reservedByteCount) }
    }

    /// How many bytes more leases may hold, and whether one value may pass that.
    var leasableByteCount: (rest: Int, mayPassWithOne: Bool) {
        let leased = heldByteCounts.leased
        return (max(0, min(leasedByteCountMax - leased, budget.rest)), leased == 0)
    }

    /// Counts a value as leased; `false`, with no change, when that would pass the limit.
    func takeLeased(_ byteCount: Int) -> Bool {
        state.withLock { takeLeased(byteCount, &$0) }
    }

    private func takeLeased(_ byteCount: Int, _ state: inout State) -> Bool {
        guard Self.take(byteCount, of: &state.leasedByteCount, upTo: leasedByteCountMax) else { return false }
        if budget.take(byteCount) { return true }
        state.leasedByteCount -= byteCount
        return false
    }

    /// Counts leased values no more.
    func giveLeased(_ byteCount: Int) {
        budget.give(byteCount)
        state.withLock { $0.leasedByteCount -= byteCount }
    }

    /// Counts a value as reserved; `false`, with no change, when that would pass the limit.
    func takeReserved(_ byteCount: Int) -> Bool {
        state.withLock { Self.take(byteCount, of: &$0.reservedByteCount, upTo: reservedByteCountMax) }
    }

    /// Counts reserved values no more.
    func giveReserved(_ byteCount: Int) { state.withLock { $0.reservedByteCount -= byteCount } }

    private static func take(_ byteCount: Int, of sum: inout Int, upTo limit: Int) -> Bool {
        guard sum == 0 || byteCount <= limit - min(limit, sum) else { return false }
        sum += byteCount
        return true
    }

    /// Begins to keep a lookup; returns its number.
    func beginKeeping(now: ContinuousClock.Instant) -> UInt64 {
        let (number, oldest) = state.withLock { state -> (UInt64, Kept?) in
            state.lastNumber += 1
            state.kept[state.lastNumber] = Kept(deadline: now + limits.keepTimeMax)
            guard state.kept.count > limits.keptLookupCountMax else { return (state.lastNumber, nil) }
            return (state.lastNumber, Self.removeOldest(&state))
        }
        if let oldest { letGo(oldest) }
        return number
    }

    /// Keeps a value for a lookup, and takes its reference over; gives it back when the lookup has ended or
    /// the limit is reached, and then says so.
    @discardableResult
    func keep(_ object: MemoryObject, _ key: StorageKey, for number: UInt64) -> Bool {
        let byteCount = object.physicalByteCount
        let isKept = state.withLock { state in
            guard let kept = state.kept[number], kept.objects[key] == nil,
                takeLeased(byteCount, &state)
            else { return false }
            state.kept[number]?.objects[key] = object
            return true
        }
        if isKept { counters.add(.localKeptBytes, byteCount) } else { object.release() }
        return isKept
    }

    /// Takes a lookup out, whose values count as leased on; `nil` when it has ended.
    func takeKept(_ number: UInt64) -> Kept? {
        let kept = state.withLock { $0.kept.removeValue(forKey: number) }
        if let kept { counters.subtract(.localKeptBytes, Self.byteCount(of: kept)) }
        return kept
    }

    /// Puts a lookup back that could not be redeemed yet.
    func putBack(_ kept: Kept, _ number: UInt64) {
        let isKept = state.withLock { state in
            guard !state.hasEnded else { return false }
            state.kept[number] = kept
            state.oldestNumber = min(state.oldestNumber, number)
            return true
        }
        counters.add(.localKeptBytes, Self.byteCount(of: kept))
        if !isKept { letGo(kept) }
    }

    /// Ends a lookup; `false` when it has ended.
    func forget(_ number: UInt64) -> Bool {
        guard let kept = state.withLock({ $0.kept.removeValue(forKey: number) }) else { return false }
        letGo(kept)
        return true
    }

    /// Ends the lookups whose time is over.
    func expire(_ now: ContinuousClock.Instant) {
        let ended = state.withLock { state in
            let numbers = state.kept.filter { $0.value.deadline <= now }.map(\.key)
            return numbers.compactMap { state.kept.removeValue(forKey: $0) }
        }
        for kept in ended { letGo(kept) }
    }

    /// Ends every lookup, and keeps nothing from now on: the session is over.
    func end() {
        let ended = state.withLock { state in
            state.hasEnded = true
            defer { state.kept = [:] }
            return Array(state.kept.values)
        }
        for kept in ended { letGo(kept) }
    }

    /// Gives a kept value back that was redeemed and is not wanted.
    func giveBack(_ object: MemoryObject) {
        giveLeased(object.physicalByteCount)
        object.release()
    }

    private func letGo(_ kept: Kept) {
        counters.subtract(.localKeptBytes, Self.byteCount(of: kept))
        for object in kept.objects.values { giveBack(object) }
    }

    private static func byteCount(of kept: Kept) -> Int {
        kept.objects.values.reduce(0) { $0 + $1.physicalByteCount }
    }

    private static func removeOldest(_ state: inout State) -> Kept? {
        while state.oldestNumber <= state.lastNumber {
            defer { state.oldestNumber += 1 }
            if let kept = state.kept.removeValue(forKey: state.oldestNumber) { return kept }
        }
        return nil
    }
}
