// SAFETY, whole file: an operation that holds an object owns one unit of its Swift reference count and one
// reference to its bytes; both end when the object is taken out, or with the batch.

/// Operations on a backend that share one acquisition of its lock, in order, with their results.
///
/// Keys are copied into the batch, so it needs nothing of its maker. It is filled, performed with
/// ``LocalCPUBackend/perform(_:)``, asked for results, and emptied for the next use.
@safe
public struct StoreBatch: ~Copyable {
    /// What is asked or done.
    public enum Operation: Hashable, Sendable, BitwiseCopyable {
        /// Whether the key is stored: 1 or 0. A use.
        case contains
        /// Whether the key is stored: 1 or 0. Not a use.
        case peek
        /// The value's length in bytes, or -1. A use.
        case byteCount
        /// Bytes that the value takes of the memory, or -1. Not a use.
        case physicalByteCount
        /// When the entry expires, in milliseconds since 1970; -1 when it does not, -2 without an entry. Not
        /// a use.
        case deadline
        /// The value, for ``takeObject(at:)``: its length, or -1. A use.
        case acquire
        /// Removes the key: 1, or 0 when it is not stored.
        case remove
        /// Sets when the entry expires, and removes it when that has passed: 1, or 0 when it is not stored or
        /// the condition does not hold.
        case setDeadline(milliseconds: Int64, DeadlineCondition)
        /// Lets the entry expire no more: 1, or 0 when it is not stored or did not expire.
        case persist
    }

    /// The result of a put: the value is stored.
    public static let putStored: Int64 = 1
    /// The result of a put: its condition did not hold.
    public static let putConditionFailed: Int64 = 0
    /// The result of a put: the backend is closed, or has no memory for the entry.
    public static let putRefused: Int64 = -1

    struct Put: BitwiseCopyable {
        var condition: PutCondition
        var expiry: PutExpiry
        var wantsPrevious: Bool
    }

    enum Kind: BitwiseCopyable {
        case query(Operation)
        case put(Put)
    }

    @safe
    struct Step: BitwiseCopyable {
        var kind: Kind
        var keyStart: Int
        var keyByteCount: Int
        var fingerprint: UInt64
        /// Whether other threads may come in between the step before and this one.
        var mayYield: Bool
        var result: Int64 = 0
        /// The object to publish, later the object that was found.
        var object: Unmanaged<MemoryObject>?
        var reservedUnitCount: UInt32 = 0
    }

    var steps: [Step] = []
    var keyBytes: [UInt8] = []
    /// The store that the puts' objects were reserved in.
    var store: EntryStore?
    /// Steps that were performed; fewer than there are when ``limitHeldBytes(to:_:)`` was
    /// reached.
    public internal(set) var performedCount = 0
    var allowances = Allowances()
    /// Keys of steps that were not performed because their values are behind the memory: they are to be
    /// loaded, and the batch performed again.
    package internal(set) var coldKeys: [StorageKey] = []
    /// Bytes of their values.
    package internal(set) var coldByteCount = 0
    /// Keys that could not be loaded: not stored, as far as this batch is concerned.
    package var absentKeys: Set<StorageKey> = []
    /// Whether every key that is to be loaded counts as not stored.
    package var isLoadingRefused = false
    /// What is to be recorded before the performed steps are acknowledged.
    var changes: [RecordedChange] = []

    /// The most keys that one batch asks to be loaded at a time.
    package static let coldKeyCountMax = 128
    /// Of these, the most that are perhaps somewhere else, whose values' sizes nobody knows yet.
    package static let elsewhereKeyCountMax = 8

    /// Creates an empty batch.
    public init() {}

    deinit {
        for index in steps.indices { giveBack(steps[index]) }
    }

    /// How many steps there are.
    public var count: Int { steps.count }

    /// Whether there are no steps.
    public var isEmpty: Bool { steps.isEmpty }

    /// Limits the bytes of values that steps may take references to, all together, in two ways at once: the
    /// step that would pass either, and those behind it, are not performed.
    public mutating func limitHeldBytes(to own: Allowance, _ shared: Allowance) {
        allowances = Allowances(own: own, shared: shared)
    }

    /// Adds a question or change.
    ///
    /// - Parameter mayYield: Whether other threads may come in between the step before and this one.
    public mutating func append(_ operation: Operation, key: RawSpan, mayYield: Bool = true) {
        append(.query(operation), key: key, mayYield: mayYield)
    }

    /// Adds the publication of a filled reservation.
    ///
    /// - Parameters:
    ///   - wantsPrevious: Whether the value that the key had is wanted, for ``takeObject(at:)``.
    /// - Precondition: all reservations of a batch are of the backend that performs it.
    public mutating func append(
        putting reservation: consuming Reservation,
        key: RawSpan,
        condition: PutCondition = .always,
        expiry: PutExpiry = .never,
        wantsPrevious: Bool = false,
        mayYield: Bool = true
    ) {
        let (store, object, unitCount) = reservation.takeApart()
        self.store = store
        let put = Put(condition: condition, expiry: expiry, wantsPrevious: wantsPrevious)
        append(.put(put), key: key, mayYield: mayYield)
        unsafe steps[steps.count - 1].object = .passRetained(object)
        steps[steps.count - 1].reservedUnitCount = unitCount
    }

    private mutating func append(_ kind: Kind, key: RawSpan, mayYield: Bool) {
        let step = unsafe Step(
            kind: kind,
            keyStart: keyBytes.count,
            keyByteCount: key.byteCount,
            fingerprint: Fingerprint.of(key),
            mayYield: mayYield
        )
        unsafe key.withUnsafeBytes { unsafe keyBytes.append(contentsOf: $0) }
        steps.append(step)
    }

    /// What a performed step came to; see ``Operation``, and for puts ``putStored`` and its siblings.
    ///
    /// - Precondition: the step was performed, or this traps.
    public func result(at index: Int) -> Int64 {
        precondition(index < performedCount, "the step was not performed")
        return steps[index].result
    }

    /// Takes the object that a performed step found out of the batch, with a reference for the caller.
    ///
    /// - Precondition: the step was performed, or this traps.
    public mutating func takeObject(at index: Int) -> MemoryObject? {
        precondition(index < performedCount, "the step was not performed")
        let object = unsafe steps[index].object
        unsafe steps[index].object = nil
        // SAFETY: the step's unit of the reference count ends here.
        return unsafe object?.takeRetainedValue()
    }

    /// Takes a reservation back that was not published, because its step was not performed.
    ///
    /// - Precondition: the step is a put and was not performed, or this traps.
    public mutating func takeReservation(at index: Int) -> Reservation {
        guard index >= performedCount, let object = unsafe steps[index].object, let store else {
            preconditionFailure("no reservation to take back")
        }
        unsafe steps[index].object = nil
        // SAFETY: the step's unit of the reference count ends here.
        return Reservation(
            store: store,
            object: unsafe object.takeRetainedValue(),
            unitCount: steps[index].reservedUnitCount
        )
    }

    /// Passes over the next step, which acquires a value, as if its key were not stored: the value is more
    /// than may be held.
    ///
    /// - Returns: `false` when the next step is another one, or there is none.
    public mutating func skipNext() -> Bool {
        guard performedCount < steps.count, case .query(.acquire) = steps[performedCount].kind else {
            return false
        }
        steps[performedCount].result = -1
        performedCount += 1
        return true
    }

    /// Empties the batch; objects that were not taken out are given back.
    public mutating func removeAll() {
        for index in steps.indices { giveBack(steps[index]) }
        steps.removeAll(keepingCapacity: true)
        keyBytes.removeAll(keepingCapacity: true)
        store = nil
        performedCount = 0
        allowances = Allowances()
        coldKeys.removeAll(keepingCapacity: true)
        absentKeys = []
        isLoadingRefused = false
        changes.removeAll(keepingCapacity: true)
    }

    /// What is to be recorded before the performed steps are acknowledged; `nil` for nothing.
    package mutating func takeChange() -> RecordedChange? {
        defer { changes.removeAll(keepingCapacity: true) }
        return changes.count == 1 ? changes[0] : RecordedChange(joining: changes)
    }

    /// Gives back what a step holds: a found object, or a reservation that was not published.
    private func giveBack(_ step: Step) {
        guard let object = unsafe step.object else { return }
        // SAFETY: the step's unit of the reference count ends here.
        unsafe object.takeRetainedValue().release()
        if step.reservedUnitCount > 0 { store?.reservationEnded(unitCount: step.reservedUnitCount) }
    }
}
