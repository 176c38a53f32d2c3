internal import RepriseCore

/// Who waits for what the journal has been given to be written.
enum JournalWaiter {
    case record(WithdrawnRecord)
    case begin(PutJob, deadline: Int64?)
    case put(PutJob)
    case change(RecordedChange)
}

/// Where a disk's journal stands, and what is to be written to it.
struct JournalState {
    /// Number of the journal that is written to.
    var number: UInt64
    /// Where its next batch goes; 0 while it has no header yet.
    var position: Int
    /// Number of the newest snapshot that is complete; this journal's or the one before.
    var snapshotNumber: UInt64
    /// Bytes of one journal file.
    let byteCountMax: Int
    /// Bytes of records that one snapshot has room for.
    let indexByteCountMax: Int
    var batch = JournalBatch()
    /// Those who wait for `batch`.
    var waiters: [JournalWaiter] = []
    var isFlushing = false
    var isCompacting = false
    /// Whether records were lost, so that only a new snapshot makes the index whole on the disk.
    var isBroken = false

    /// Adds a record to the batch that is written next.
    mutating func append(_ record: JournalRecord) {
        guard batch.byteCount < DiskLimits.journalBufferByteCountMax else {
            isBroken = true
            return
        }
        batch.append(record)
    }
}

/// One write to a journal.
struct JournalWrite {
    let file: any DiskFile
    let position: Int
    /// The position behind it.
    let end: Int
    let bytes: [UInt8]
    let waiters: [JournalWaiter]
}
