internal import RepriseCore

// SAFETY, whole file: the pages live during the call.

extension DiskFile {
    /// Reads up to so many bytes from a page's start on; fewer at the end of the file.
    package func readBytes(_ byteCount: Int, at offset: Int) throws(DiskIOError) -> [UInt8] {
        let pages = AlignedPages(
            count: max(1, (byteCount + AllocationUnit.byteCount - 1) / AllocationUnit.byteCount)
        )
        let count = try unsafe read(into: [pages.bytes], at: offset)
        return [UInt8](copying: pages.span.extracting(first: min(count, byteCount)))
    }

    /// Writes bytes from a position on; of a direct file, whole pages.
    package func writeBytes(_ bytes: [UInt8], at offset: Int) throws(DiskIOError) {
        guard !bytes.isEmpty else { return }
        let pages = AlignedPages(copying: bytes)
        let slice = unsafe UnsafeRawBufferPointer(rebasing: pages.bytes[..<bytes.count])
        try unsafe write(from: [slice], at: offset)
    }
}
