internal import CRepriseShims
internal import Glibc

// SAFETY, whole file: handles are made here only, and lie within segments that are mapped until `deinit`.

/// The bytes of stored keys, each beside the slot of its entry, packed in 2 MiB segments.
///
/// A lookup that finds a key's record has its slot on the same cache line. Records are cut from segments in
/// steps of 16 bytes up to 1 KiB, then in powers of two; freed ones are reused for records of the same class.
/// Not thread-safe: it lives under the store's lock.
@safe
package struct KeySlab: ~Copyable {
    /// Names a record: segment number in the upper 15 bits, place within it, in steps of 16 bytes, below.
    package typealias Handle = UInt32

    /// In front of each key's bytes.
    private struct Header: BitwiseCopyable {
        var slot: EntrySlot
        /// The key's length, and in the top bit whether its entry expires: a lookup then need not touch the
        /// entry to know.
        private var word: UInt32
        private static let expiresBit: UInt32 = 1 << 31

        init(slot: EntrySlot, byteCount: Int) {
            self.slot = slot
            word = UInt32(byteCount)
        }

        var byteCount: Int { Int(word & ~Self.expiresBit) }

        var expires: Bool {
            get { word & Self.expiresBit != 0 }
            set { word = newValue ? word | Self.expiresBit : word & ~Self.expiresBit }
        }
    }

    private static let stepByteCount = 16
    private static let segmentByteCount = 2 << 20
    private static let segmentCountMax = 1 << 15
    private static let smallClassCount = 64
    private static let classCount = smallClassCount + 11
    private static let none = Handle.max

    // SAFETY: each maps `segmentByteCount` bytes until `deinit`; handles are made here only and lie within
    // them.
    private var segments: [UnsafeMutableRawPointer] = unsafe []
    private var segmentOffset = KeySlab.segmentByteCount
    /// The first freed record of each class; each holds the next in its header.
    private var freed: [Handle]

    package init() {
        freed = Array(repeating: KeySlab.none, count: KeySlab.classCount)
    }

    deinit {
        for index in unsafe segments.indices { unsafe munmap(segments[index], KeySlab.segmentByteCount) }
    }

    /// Bytes taken from the system beyond those of the keys themselves.
    package func overheadByteCount(ofKeys keyByteCount: Int) -> Int {
        unsafe segments.count * KeySlab.segmentByteCount - keyByteCount
    }

    /// Copies a key in; `nil` when it is longer than a segment's half or the system has no memory for it.
    package mutating func insert(_ bytes: UnsafeRawBufferPointer, slot: EntrySlot) -> Handle? {
        guard let recordClass = KeySlab.recordClass(ofKeyByteCount: bytes.count),
            let handle = takeRecord(recordClass)
        else { return nil }
        let record = unsafe pointer(to: handle)
        unsafe record.storeBytes(of: Header(slot: slot, byteCount: bytes.count), as: Header.self)
        // SAFETY: the record's class has room for header and key.
        if let base = bytes.baseAddress {
            unsafe memcpy(record + MemoryLayout<Header>.size, base, bytes.count)
        }
        return handle
    }

    /// Frees a record.
    package mutating func remove(_ handle: Handle) {
        let record = unsafe pointer(to: handle)
        let byteCount = unsafe record.load(as: Header.self).byteCount
        guard let recordClass = KeySlab.recordClass(ofKeyByteCount: byteCount) else { return }
        unsafe record.storeBytes(of: freed[recordClass.index], as: Handle.self)
        freed[recordClass.index] = handle
    }

    /// Whether a record holds this key.
    @inline(__always)
    package func matches(_ handle: Handle, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let record = unsafe pointer(to: handle)
        guard unsafe record.load(as: Header.self).byteCount == bytes.count else { return false }
        guard let base = bytes.baseAddress else { return true }
        // SAFETY: both have as many bytes.
        return unsafe memcmp(record + MemoryLayout<Header>.size, base, bytes.count) == 0
    }

    /// The slot of a record's entry.
    @inline(__always)
    package func slot(of handle: Handle) -> EntrySlot {
        unsafe pointer(to: handle).load(as: Header.self).slot
    }

    /// Whether a record's entry expires.
    @inline(__always)
    package func expires(_ handle: Handle) -> Bool {
        unsafe pointer(to: handle).load(as: Header.self).expires
    }

    /// Notes whether a record's entry expires.
    package func setExpires(_ handle: Handle, to expires: Bool) {
        let record = unsafe pointer(to: handle)
        var header = unsafe record.load(as: Header.self)
        header.expires = expires
        unsafe record.storeBytes(of: header, as: Header.self)
    }

    /// The length of a record's key.
    package func byteCount(of handle: Handle) -> Int {
        unsafe pointer(to: handle).load(as: Header.self).byteCount
    }

    /// A copy of a record's key.
    package func key(of handle: Handle) -> StorageKey {
        let start = unsafe pointer(to: handle) + MemoryLayout<Header>.size
        // SAFETY: the record holds that many bytes behind its header.
        return StorageKey(unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: byteCount(of: handle))))
    }

    /// A record's key where it lies, with its fingerprint; to be used before the record is removed.
    @unsafe package func reference(to handle: Handle) -> KeyReference {
        let start = unsafe pointer(to: handle) + MemoryLayout<Header>.size
        // SAFETY: the record holds that many bytes behind its header.
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: byteCount(of: handle))
        return unsafe KeyReference(bytes: bytes, fingerprint: Fingerprint.of(RawSpan(_unsafeBytes: bytes)))
    }

    /// Brings a record closer, because it will be used soon.
    package func prefetch(_ handle: Handle) { unsafe reprise_prefetch(pointer(to: handle)) }

    @inline(__always)
    private func pointer(to handle: Handle) -> UnsafeMutableRawPointer {
        unsafe segments[Int(handle >> 17)] + Int(handle & 0x1FFFF) * KeySlab.stepByteCount
    }

    private static func recordClass(ofKeyByteCount count: Int) -> (index: Int, byteCount: Int)? {
        let wanted = count + MemoryLayout<Header>.size
        let steps = (wanted + stepByteCount - 1) / stepByteCount
        if steps <= smallClassCount { return (steps - 1, steps * stepByteCount) }
        // 2 KiB is the first class above 1 KiB.
        let exponent = Int.bitWidth - (wanted - 1).leadingZeroBitCount
        let index = smallClassCount + exponent - 11
        return index < classCount && 1 << exponent <= segmentByteCount ? (index, 1 << exponent) : nil
    }

    private mutating func takeRecord(_ recordClass: (index: Int, byteCount: Int)) -> Handle? {
        let reused = freed[recordClass.index]
        if reused != KeySlab.none {
            freed[recordClass.index] = unsafe pointer(to: reused).load(as: Handle.self)
            return reused
        }
        if segmentOffset + recordClass.byteCount > KeySlab.segmentByteCount, !addSegment() { return nil }
        let handle = unsafe UInt32(segments.count - 1) << 17 | UInt32(segmentOffset / KeySlab.stepByteCount)
        segmentOffset += recordClass.byteCount
        return handle
    }

    private mutating func addSegment() -> Bool {
        guard unsafe segments.count < KeySlab.segmentCountMax - 1 else { return false }
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let address = unsafe mmap(nil, KeySlab.segmentByteCount, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else { return false }
        _ = unsafe reprise_advise_huge_pages(address, KeySlab.segmentByteCount)
        unsafe segments.append(address)
        segmentOffset = 0
        return true
    }
}
