internal import CRepriseShims
internal import Glibc
internal import RepriseCore

// SAFETY, whole file: both mappings have the arena's length, are made in `init` and live as long as the
// object, which whoever uses an address holds. The file cannot shrink: its seal is checked before it is
// mapped.

/// A node's memory in this process: mapped for reading, and a second time for writing where that is allowed.
///
/// Views of callers lie in the mapping for reading, so that a wrong pointer cannot change a value. The other
/// one is known to the copying of values alone; it is twice as fast as pwrite(2)
/// (docs/decisions/0017-writable-mapping.md).
@safe
final class ArenaMapping: Sendable {
    /// Bytes of the arena.
    let byteCount: Int
    private let device: dev_t
    private let inode: ino_t
    nonisolated(unsafe) private let readable: UnsafeRawPointer
    nonisolated(unsafe) private let writable: UnsafeMutableRawPointer?

    private static let pageByteCount = 4096
    private static let hugePageByteCount = 2 << 20
    /// Bytes of the mappings that are filled in at a time.
    private static let populatedStepByteCount = 32 << 20

    /// Maps an arena.
    ///
    /// - Parameter descriptor: Closed by the caller, also when this fails.
    /// - Throws: `protocolError` for what cannot be an arena, `system` when it cannot be mapped.
    init(_ descriptor: Int32, byteCount: Int, isWritable: Bool) throws(CallError) {
        let identity = try ArenaMapping.checked(descriptor, byteCount: byteCount)
        let readable = try unsafe ArenaMapping.map(descriptor, byteCount, PROT_READ)
        var writable: UnsafeMutableRawPointer?
        if isWritable {
            do throws(CallError) {
                unsafe writable = try ArenaMapping.map(descriptor, byteCount, PROT_READ | PROT_WRITE)
            } catch {
                unsafe munmap(readable, byteCount)
                throw error
            }
        }
        unsafe self.readable = UnsafeRawPointer(readable)
        unsafe self.writable = writable
        self.byteCount = byteCount
        (device, inode) = (identity.st_dev, identity.st_ino)
    }

    deinit {
        unsafe munmap(UnsafeMutableRawPointer(mutating: readable), byteCount)
        if let writable = unsafe writable { unsafe munmap(writable, byteCount) }
    }

    /// Whether a descriptor is of the same memory.
    func isOf(_ descriptor: Int32) -> Bool {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return false }
        return status.st_dev == device && status.st_ino == inode
    }

    /// Whether values can be written in place.
    var isWritable: Bool { unsafe writable != nil }

    /// Where bytes lie that are read.
    ///
    /// - Precondition: they lie within the arena, as the codec has checked.
    @unsafe func address(of offset: UInt64, byteCount: Int) -> UnsafeRawPointer {
        check(offset, byteCount)
        return unsafe readable + Int(offset)
    }

    /// Where bytes lie that are written.
    ///
    /// - Precondition: they lie within the arena, which is writable.
    @unsafe func writableAddress(of offset: UInt64, byteCount: Int) -> UnsafeMutableRawPointer {
        check(offset, byteCount)
        guard let writable = unsafe writable else {
            preconditionFailure("the arena is mapped for reading alone")
        }
        return unsafe writable + Int(offset)
    }

    private func check(_ offset: UInt64, _ byteCount: Int) {
        precondition(
            byteCount >= 0 && byteCount <= self.byteCount && offset <= UInt64(self.byteCount - byteCount),
            "a place beyond the arena"
        )
    }

    /// Fills the next part of the mappings in, so that the first use of a page does not fault.
    ///
    /// Only what the node has populated already: a fault here would take memory that it has not taken yet.
    ///
    /// - Returns: Where to go on; `start` if that is not populated yet.
    func populate(from start: Int) -> Int {
        let end = min(byteCount, start + Self.populatedStepByteCount)
        guard let writable = unsafe writable, start < end, isPopulated(start..<end) else { return start }
        // Failing is not an error: pages are then filled in by their first use.
        unsafe reprise_populate_read(readable + start, end - start)
        unsafe reprise_populate_write(writable + start, end - start)
        return end
    }

    private func isPopulated(_ range: Range<Int>) -> Bool {
        let pageCount = (range.count + Self.pageByteCount - 1) / Self.pageByteCount
        return unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: pageCount) { pages in
            guard let base = pages.baseAddress else { return false }
            let start = unsafe UnsafeMutableRawPointer(mutating: readable + range.lowerBound)
            guard unsafe mincore(start, range.count, base) == 0 else { return false }
            return unsafe pages.allSatisfy { $0 & 1 != 0 }
        }
    }

    private static func checked(_ descriptor: Int32, byteCount: Int) throws(CallError) -> stat {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw CallError(.system, "fstat of the node's memory: \(systemMessage(errno))")
        }
        guard byteCount > 0, Int(status.st_size) >= byteCount else {
            throw CallError(
                .protocolError,
                "the node says its memory has \(byteCount) bytes, and its file has \(status.st_size)"
            )
        }
        guard reprise_forbids_shrinking(reprise_seals(descriptor)) != 0 else {
            throw CallError(.protocolError, "the node's memory is not sealed against shrinking")
        }
        return status
    }

    /// Maps the arena at an address that huge pages can begin at.
    private static func map(
        _ descriptor: Int32,
        _ byteCount: Int,
        _ protection: Int32
    ) throws(CallError) -> UnsafeMutableRawPointer {
        let (reserved, overflow) = byteCount.addingReportingOverflow(hugePageByteCount)
        let flags = Int32(MAP_PRIVATE) | Int32(MAP_ANONYMOUS) | Int32(MAP_NORESERVE)
        guard !overflow, let base = unsafe mmap(nil, reserved, PROT_NONE, flags, -1, 0),
            unsafe base != MAP_FAILED
        else { throw CallError(.system, "no addresses for the node's memory: \(systemMessage(errno))") }
        let start = (UInt(bitPattern: base) + UInt(hugePageByteCount) - 1) & ~(UInt(hugePageByteCount) - 1)
        let skipped = Int(start - UInt(bitPattern: base))
        let address = unsafe base + skipped
        let isMapped =
            unsafe mmap(address, byteCount, protection, Int32(MAP_SHARED) | Int32(MAP_FIXED), descriptor, 0)
            == address
        let number = errno
        let end = (skipped + byteCount + pageByteCount - 1) / pageByteCount * pageByteCount
        if skipped > 0 { unsafe munmap(base, skipped) }
        if end < reserved { unsafe munmap(base + end, reserved - end) }
        guard isMapped else {
            unsafe munmap(address, end - skipped)
            throw CallError(.system, "the node's memory cannot be mapped: \(systemMessage(number))")
        }
        unsafe reprise_advise_huge_pages(address, byteCount)
        return unsafe address
    }
}
