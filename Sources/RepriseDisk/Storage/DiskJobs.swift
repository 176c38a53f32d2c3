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
    var isCancelled = false
    /// Where it is being written.
    var block = SegregatedFitAllocator.BlockID.max
    var startUnit: UInt32 = 0
    var unitCount: UInt32 = 0
    var sequence = RecordSequence.zero
    /// Calls under way: the write, and the withdrawals of records that it does not overwrite.
    var pendingCallCount = 0
    var hasFailed = false
    /// Records whose places it overwrites.
    var victims: [WithdrawnRecord] = []
    /// Its own record, if it was withdrawn while it was being written.
    var ownWithdrawal: WithdrawnRecord?
    /// What an older copy of the key has to be recorded before the task ends.
    var olderChange: RecordedChange?

    init(key: StorageKey, object: MemoryObject, slot: EntrySlot, deadline: Int64?) {
        self.key = key
        self.object = object
        self.slot = slot
        self.deadline = deadline
        task = PutTask()
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
    /// Whether somebody wants the value in the memory's index, too.
    var promotes = false
    var completions: [@Sendable (MemoryObject?) -> Void] = []

    init(key: StorageKey, slot: EntrySlot, entry: DiskEntry, startUnit: UInt32, deadline: Int64?) {
        self.key = key
        self.slot = slot
        sequence = entry.sequence
        block = entry.block
        self.startUnit = startUnit
        payloadByteCount = entry.payloadByteCount
        self.deadline = deadline
    }
}
