internal import RepriseCore

// The disk's lock guards what is mutable in these classes; they are shared between a table and the requests
// that are under way for it.

/// A value on its way to the disk.
// Sendable: mutable properties are touched under the disk's lock only.
final class PutJob: @unchecked Sendable {
    let key: StorageKey
    /// The value, with a reference of the job's own until it ends.
    let object: MemoryObject
    let task: PutTask
    let slot: EntrySlot
    /// When the value expires; may change until its header is encoded.
    var deadline: Int64?
    /// When it expires by the header that is written.
    var writtenDeadline: Int64?
    var isCancelled = false
    /// Where it is being written.
    var block = SegregatedFitAllocator.BlockID.max
    var startUnit: UInt32 = 0
    var unitCount: UInt32 = 0
    var sequence = RecordSequence.zero
    /// Calls under way: the write's, and the withdrawals of records that it does not overwrite.
    var pendingCallCount = 0
    var hasFailed = false
    /// Records whose places it overwrites.
    var victims: [WithdrawnRecord] = []
    /// Its own record, if it was withdrawn while it was being written.
    var ownWithdrawal: WithdrawnRecord?
    /// What an older copy of the key has to be recorded before the task ends.
    var olderChange: RecordedChange?

    init(
        key: StorageKey,
        object: MemoryObject,
        slot: EntrySlot,
        deadline: Int64?,
        engine: any IOEngine
    ) {
        self.key = key
        self.object = object
        self.slot = slot
        self.deadline = deadline
        task = PutTask { isDone in engine.assist({}, until: isDone) }
    }

    /// Bytes of memory that the job keeps in use.
    var byteCount: Int { object.physicalByteCount }
}

/// A record that must not be believed any more, until that is recorded on the disk.
// Sendable: mutable properties are touched under the disk's lock only.
final class WithdrawnRecord: @unchecked Sendable {
    let fingerprint: UInt64
    let startUnit: UInt32
    let sequence: RecordSequence
    /// The block that is kept in use until the record's header is destroyed.
    let block: SegregatedFitAllocator.BlockID
    /// Who waits for it.
    var changes: [RecordedChange] = []
    /// What is to end before it is recorded.
    var pendingPartCount = 0
    /// Whether one of the parts has succeeded: the header's destruction or the journal's record.
    var isRecorded = false
    /// Whether the header is still to be destroyed, after a failure.
    var mustRetry = false

    init(
        fingerprint: UInt64,
        startUnit: UInt32,
        sequence: RecordSequence,
        block: SegregatedFitAllocator.BlockID
    ) {
        self.fingerprint = fingerprint
        self.startUnit = startUnit
        self.sequence = sequence
        self.block = block
    }
}

/// What the parts of a record have come to.
struct LoadedParts: Sendable {
    /// The checksum of each part's share of the value.
    var checksums: [UInt32]
    /// The header, once it is read and proven.
    var header: RecordHeader?
    /// Why a part could not be read.
    var failure: LoadFailure?

    init(checksums: [UInt32]) { self.checksums = checksums }
}

/// One read that serves everybody who wants the same record.
// Sendable: mutable properties are touched under the disk's lock only.
final class LoadJob: @unchecked Sendable {
    let key: StorageKey
    let slot: EntrySlot
    let sequence: RecordSequence
    let block: SegregatedFitAllocator.BlockID
    let startUnit: UInt32
    let payloadByteCount: Int
    let deadline: Int64?
    /// How it is read.
    let parts: RecordParts
    /// Parts that have not ended.
    var pendingPartCount: Int
    /// What was read so far.
    var loaded: LoadedParts
    /// Whether somebody wants the value in the memory's index, too.
    var promotes = false
    var completions: [@Sendable (MemoryObject?) -> Void] = []

    init(
        key: StorageKey,
        slot: EntrySlot,
        entry: DiskEntry,
        startUnit: UInt32,
        deadline: Int64?,
        parts: RecordParts
    ) {
        self.key = key
        self.slot = slot
        sequence = entry.sequence
        block = entry.block
        self.startUnit = startUnit
        payloadByteCount = entry.payloadByteCount
        self.deadline = deadline
        self.parts = parts
        pendingPartCount = parts.count
        loaded = LoadedParts(checksums: Array(repeating: 0, count: parts.count))
    }
}
