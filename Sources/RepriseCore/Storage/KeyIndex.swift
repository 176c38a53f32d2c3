internal import CRepriseShims
internal import Glibc

// SAFETY, whole file: segments lie in chunks that are mapped until `deinit`, and probe positions are masked
// to a segment.

/// An extendible hash table from key fingerprints to stored keys.
///
/// The fingerprint's upper 32 bits are a *tag*: its top bits choose a segment of 1,024 buckets through a
/// directory, its low bits the bucket to start probing at. A full segment is split in two, so that no
/// insertion ever rehashes more than one segment, and memory grows with the entries instead of by doubling
/// everything.
///
/// A tag is a hint: the caller compares whole keys. Not thread-safe: it lives under the store's lock.
///
/// - Source: R. Fagin et al., "Extendible hashing", ACM TODS 1979.
@safe
package struct KeyIndex: ~Copyable {
    private static let bucketCount = 1024
    /// A segment with more entries is split: 80 % full, where linear probing still takes few steps.
    private static let segmentEntryCountMax = 820
    /// The deepest directory: 4 million segments.
    private static let depthMax = 22
    private static let empty = UInt64.max
    private static let chunkByteCount = 2 << 20
    private static let segmentByteCount = bucketCount * 8
    private static let segmentsPerChunk = chunkByteCount / segmentByteCount

    @safe
    private struct Segment {
        var depth = 0
        var entryCount = 0
        /// Tag in the upper half, key handle in the lower; `empty` for none.
        let buckets: UnsafeMutablePointer<UInt64>
    }

    // SAFETY: `segments` own their buckets from their creation to `deinit`; probe positions are masked to the
    // bucket count, and directory entries index `segments`.
    private var segments: [Segment] = []
    /// Mapped memory that segments are cut from, for huge pages.
    private var chunks: [UnsafeMutableRawPointer] = unsafe []
    private var directory: [UInt32] = [0]
    private var depth = 0
    package private(set) var entryCount = 0

    package init() {
        guard addSegment(depth: 0) else { preconditionFailure("no memory for an empty index") }
    }

    deinit {
        // SAFETY: each was mapped by `takeBuckets`.
        for index in unsafe chunks.indices { unsafe munmap(chunks[index], KeyIndex.chunkByteCount) }
    }

    /// The upper half of a fingerprint.
    @inline(__always)
    package static func tag(of fingerprint: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: fingerprint >> 32)
    }

    /// Bytes of segments and directory.
    package var byteCount: Int {
        segments.count * (KeyIndex.segmentByteCount + MemoryLayout<Segment>.stride) + directory.count * 4
    }

    /// The key whose tag matches and that `isMatch` accepts, or `nil`.
    @inline(__always)
    package func find(tag: UInt32, where isMatch: (KeySlab.Handle) -> Bool) -> KeySlab.Handle? {
        let buckets = unsafe segments[segmentIndex(of: tag)].buckets
        var position = KeyIndex.home(of: tag)
        while true {
            // SAFETY: positions are masked to the bucket count.
            let bucket = unsafe buckets[position]
            if bucket == KeyIndex.empty { return nil }
            if UInt32(truncatingIfNeeded: bucket >> 32) == tag {
                let key = KeySlab.Handle(truncatingIfNeeded: bucket)
                if isMatch(key) { return key }
            }
            position = (position &+ 1) & (KeyIndex.bucketCount - 1)
        }
    }

    /// Brings closer where a key's probing starts.
    package func prefetch(tag: UInt32) {
        unsafe reprise_prefetch(segments[segmentIndex(of: tag)].buckets + KeyIndex.home(of: tag))
    }

    /// Adds a key that is not in the index.
    ///
    /// - Returns: `false`, without a change, when the key's segment is full and cannot be split further.
    package mutating func insert(tag: UInt32, key: KeySlab.Handle) -> Bool {
        var segment = segmentIndex(of: tag)
        while segments[segment].entryCount >= KeyIndex.segmentEntryCountMax {
            guard split(segment) else { return false }
            segment = segmentIndex(of: tag)
        }
        unsafe KeyIndex.place(UInt64(tag) << 32 | UInt64(key), in: segments[segment].buckets)
        segments[segment].entryCount += 1
        entryCount += 1
        return true
    }

    /// Takes a key out.
    ///
    /// - Precondition: it was inserted with this tag.
    package mutating func remove(tag: UInt32, key: KeySlab.Handle) {
        let segment = segmentIndex(of: tag)
        let buckets = unsafe segments[segment].buckets
        let mask = KeyIndex.bucketCount - 1
        let wanted = UInt64(tag) << 32 | UInt64(key)
        var hole = KeyIndex.home(of: tag)
        // SAFETY: positions are masked to the bucket count, here and below.
        while unsafe buckets[hole] != wanted {
            precondition(unsafe buckets[hole] != KeyIndex.empty, "the key is not in the index")
            hole = (hole + 1) & mask
        }
        // Entries behind the hole move up when they may stand there, so that no probe is cut short.
        var position = (hole + 1) & mask
        while true {
            let bucket = unsafe buckets[position]
            if bucket == KeyIndex.empty { break }
            let home = KeyIndex.home(of: UInt32(truncatingIfNeeded: bucket >> 32))
            if (position - home) & mask >= (position - hole) & mask {
                unsafe buckets[hole] = bucket
                hole = position
            }
            position = (position + 1) & mask
        }
        unsafe buckets[hole] = KeyIndex.empty
        segments[segment].entryCount -= 1
        entryCount -= 1
    }

    @inline(__always)
    private static func home(of tag: UInt32) -> Int { Int(tag) & (bucketCount - 1) }

    @inline(__always)
    private func segmentIndex(of tag: UInt32) -> Int {
        Int(directory[depth == 0 ? 0 : Int(tag >> UInt32(32 - depth))])
    }

    /// Adds an empty segment behind the others; `false` when the system has no memory for it.
    private mutating func addSegment(depth: Int) -> Bool {
        let place = segments.count % KeyIndex.segmentsPerChunk
        if place == 0 {
            let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
            let chunk = unsafe mmap(nil, KeyIndex.chunkByteCount, PROT_READ | PROT_WRITE, flags, -1, 0)
            guard let chunk = unsafe chunk, unsafe chunk != MAP_FAILED else { return false }
            _ = unsafe reprise_advise_huge_pages(chunk, KeyIndex.chunkByteCount)
            unsafe chunks.append(chunk)
        }
        guard let chunk = unsafe chunks.last else { return false }
        let address = unsafe chunk + place * KeyIndex.segmentByteCount
        let buckets = unsafe address.bindMemory(to: UInt64.self, capacity: KeyIndex.bucketCount)
        unsafe buckets.initialize(repeating: KeyIndex.empty, count: KeyIndex.bucketCount)
        unsafe segments.append(Segment(depth: depth, buckets: buckets))
        return true
    }

    private static func place(_ bucket: UInt64, in buckets: UnsafeMutablePointer<UInt64>) {
        var position = home(of: UInt32(truncatingIfNeeded: bucket >> 32))
        // SAFETY: positions are masked; a segment is never full, so an empty bucket is met.
        while unsafe buckets[position] != empty { position = (position + 1) & (bucketCount - 1) }
        unsafe buckets[position] = bucket
    }

    /// Splits a segment by the next bit of its tags.
    private mutating func split(_ segment: Int) -> Bool {
        let newDepth = segments[segment].depth + 1
        guard newDepth <= KeyIndex.depthMax else { return false }
        let upper = segments.count
        guard addSegment(depth: newDepth) else { return false }
        if newDepth > depth { doubleDirectory() }
        let buckets = unsafe segments[segment].buckets
        let old = unsafe [UInt64](UnsafeBufferPointer(start: buckets, count: KeyIndex.bucketCount))
        unsafe buckets.initialize(repeating: KeyIndex.empty, count: KeyIndex.bucketCount)
        segments[segment].depth = newDepth
        segments[segment].entryCount = 0
        for bucket in old where bucket != KeyIndex.empty {
            let isUpper = (bucket >> UInt64(64 - newDepth)) & 1 == 1
            unsafe KeyIndex.place(bucket, in: segments[isUpper ? upper : segment].buckets)
            segments[isUpper ? upper : segment].entryCount += 1
        }
        repoint(from: segment, toUpper: upper, segmentDepth: newDepth)
        return true
    }

    private mutating func doubleDirectory() {
        directory = directory.flatMap { [$0, $0] }
        depth += 1
    }

    /// Points the directory entries of a split segment's upper half to the new segment.
    private mutating func repoint(from segment: Int, toUpper upper: Int, segmentDepth: Int) {
        for index in directory.indices where directory[index] == UInt32(segment) {
            if (index >> (depth - segmentDepth)) & 1 == 1 { directory[index] = UInt32(upper) }
        }
    }
}
