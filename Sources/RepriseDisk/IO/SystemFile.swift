internal import CRepriseShims
internal import Glibc
internal import RepriseCore

// SAFETY, whole file: buffers outlive the calls that they are passed to, as `DiskFile` promises.

/// A file of the system.
public final class SystemFile: DiskFile {
    private let name: String
    private let descriptor: Int32
    /// Whether transfers go past the page cache; otherwise their pages are given back after use, when
    /// `dropsPages`.
    public let isDirect: Bool
    private let dropsPages: Bool

    init(name: String, descriptor: Int32, isDirect: Bool, dropsPages: Bool) {
        self.name = name
        self.descriptor = descriptor
        self.isDirect = isDirect
        self.dropsPages = dropsPages
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// Reads into buffers from a position on.
    public func read(
        into buffers: [UnsafeMutableRawBufferPointer],
        at offset: Int
    ) throws(DiskIOError) -> Int {
        var vectors = unsafe buffers.map { unsafe iovec(iov_base: $0.baseAddress, iov_len: $0.count) }
        var position = offset
        while unsafe !vectors.isEmpty {
            let count = unsafe preadv(descriptor, vectors, Int32(vectors.count), position)
            if count < 0 {
                // EINTR is retried: preadv(2) may be interrupted before any byte is read.
                if errno == EINTR { continue }
                throw failure("preadv")
            }
            if count == 0 { break }
            position += count
            // A direct transfer that ends within a page has met the file's end, and cannot go on from there.
            if isDirect, position % AllocationUnit.byteCount != 0 { break }
            unsafe SystemFile.advance(&vectors, by: count)
        }
        if dropsPages { posix_fadvise(descriptor, offset, position - offset, POSIX_FADV_DONTNEED) }
        return position - offset
    }

    /// Writes buffers from a position on.
    public func write(from buffers: [UnsafeRawBufferPointer], at offset: Int) throws(DiskIOError) {
        var vectors = unsafe buffers.map {
            unsafe iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress), iov_len: $0.count)
        }
        var position = offset
        while unsafe !vectors.isEmpty {
            let count = unsafe pwritev(descriptor, vectors, Int32(vectors.count), position)
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("pwritev")
            }
            position += count
            // What is left cannot be written from the middle of a page, and nothing at all is no progress.
            guard count > 0, !isDirect || position % AllocationUnit.byteCount == 0 else {
                throw DiskIOError(errorNumber: EIO, call: "pwritev(\(name)), short")
            }
            unsafe SystemFile.advance(&vectors, by: count)
        }
        guard dropsPages else { return }
        // Dirty pages are not dropped: they go to the device first.
        let status = reprise_write_back(descriptor, Int64(offset), Int64(position - offset))
        guard status == 0 else { throw DiskIOError(errorNumber: -status, call: "sync_file_range(\(name))") }
        posix_fadvise(descriptor, offset, position - offset, POSIX_FADV_DONTNEED)
    }

    /// Makes what was written survive the loss of power.
    public func sync() throws(DiskIOError) {
        guard fdatasync(descriptor) == 0 else { throw failure("fdatasync") }
    }

    /// Bytes of the file.
    public func byteCount() throws(DiskIOError) -> Int {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure("fstat") }
        return Int(status.st_size)
    }

    /// Makes the file this long and takes its room from the file system.
    public func allocate(byteCount: Int) throws(DiskIOError) {
        let current = try self.byteCount()
        if byteCount < current {
            guard ftruncate(descriptor, byteCount) == 0 else { throw failure("ftruncate") }
        }
        guard byteCount > current else { return }
        // Not posix_fallocate(3), which writes every block where the file system cannot do it.
        var status: Int32
        repeat {
            status = reprise_allocate(descriptor, Int64(current), Int64(byteCount - current))
        } while status == -EINTR
        if status == 0 { return }
        guard status == -EOPNOTSUPP else {
            ftruncate(descriptor, current)
            throw DiskIOError(errorNumber: -status, call: "fallocate(\(name))")
        }
        guard ftruncate(descriptor, byteCount) == 0 else { throw failure("ftruncate") }
    }

    private func failure(_ call: String) -> DiskIOError {
        DiskIOError(errorNumber: errno, call: "\(call)(\(name))")
    }

    private static func advance(_ vectors: inout [iovec], by count: Int) {
        var rest = count
        while let first = unsafe vectors.first {
            let byteCount = unsafe first.iov_len
            guard rest >= byteCount else { break }
            rest -= byteCount
            unsafe vectors.removeFirst()
        }
        guard rest > 0 else { return }
        unsafe vectors[0].iov_base += rest
        unsafe vectors[0].iov_len -= rest
    }
}
