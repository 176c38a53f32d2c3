internal import RepriseCore

/// One value on a disk, as its table holds it: plain words.
struct DiskEntry: BitwiseCopyable {
    /// Where the value stands.
    enum Status: UInt8 {
        /// The slot is in no use; `lastUse` is the next such slot.
        case vacant
        /// The value waits to be written, and has no place yet.
        case queued
        /// The value is being written.
        case writing
        /// The value can be read.
        case stored
    }

    var sequence = RecordSequence.zero
    /// The table's clock when the entry was last stored or used.
    var lastUse: UInt64
    var payloadByteCount: Int
    /// The value's place in the data file, from `writing` on.
    var block = SegregatedFitAllocator.BlockID.max
    /// The upper half of the key's fingerprint.
    let tag: UInt32
    let key: KeySlab.Handle
    var pinCount: UInt16 = 0
    /// Reads of the value that are under way.
    var readerCount: UInt16 = 0
    var status: Status
    private var flags: UInt8 = 0

    init(tag: UInt32, key: KeySlab.Handle, payloadByteCount: Int, lastUse: UInt64) {
        self.tag = tag
        self.key = key
        self.payloadByteCount = payloadByteCount
        self.lastUse = lastUse
        status = .queued
    }

    /// Whether the entry is in the expiry wheel.
    var expires: Bool {
        get { flags & 1 != 0 }
        set { flags = newValue ? flags | 1 : flags & ~1 }
    }

    /// Whether the entry is in the evictor: from `stored` on.
    var isOrdered: Bool {
        get { flags & 2 != 0 }
        set { flags = newValue ? flags | 2 : flags & ~2 }
    }

    /// Whether the evictor counts the entry as in use or pinned.
    var isSuspended: Bool {
        get { flags & 4 != 0 }
        set { flags = newValue ? flags | 4 : flags & ~4 }
    }

    /// Whether the record's header is being rewritten with another deadline.
    var isRewriting: Bool {
        get { flags & 8 != 0 }
        set { flags = newValue ? flags | 8 : flags & ~8 }
    }
}
