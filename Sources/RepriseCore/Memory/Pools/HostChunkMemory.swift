internal import Glibc

/// Host memory for a pool of chunks: one arena, populated when this is created.
@safe
final class HostChunkMemory: ChunkMemory {
    private let arena: Arena
    private let registration: HostRegistration?
    /// Why the memory is not page-locked for CUDA; `nil` when it is, or was not to be.
    let pinningError: StorageError?

    /// Takes `byteCount` bytes.
    ///
    /// - Throws: `system` when the kernel has not enough to give; with `required` also why pinning failed.
    init(byteCount: Int, pinning: HostPinning, runtime: CUDARuntime?) throws(StorageError) {
        arena = try Arena(byteCount: byteCount, locksMemory: false)
        while arena.populateNextStep(publish: { _ in }) {}
        guard arena.report.populationError == 0 else {
            throw StorageError(
                .system,
                "no memory for \(byteCount) bytes: \(systemMessage(arena.report.populationError))"
            )
        }
        guard pinning != .never else {
            registration = nil
            pinningError = nil
            return
        }
        do throws(StorageError) {
            let runtime = if let runtime { runtime } else { try CUDARuntime.load() }
            registration = try HostRegistration(arena: arena, runtime: runtime)
            pinningError = nil
        } catch {
            if pinning == .required { throw error }
            registration = nil
            pinningError = error
        }
    }

    var isPinned: Bool { registration != nil }

    func write(_ source: RawSpan, to rows: ChunkRows) {
        checkBounds(of: rows, byteCount: source.byteCount)
        // SAFETY: the pointer is not kept beyond the closure.
        unsafe source.withUnsafeBytes { source in
            guard let source = source.baseAddress else { return }
            // SAFETY: the bounds of both sides were checked, and the arena lives as long as `self`.
            let chunk = unsafe arena.base + rows.offset
            if rows.isContiguous {
                unsafe memcpy(chunk, source, rows.byteCount)
                return
            }
            for row in 0..<rows.rowCount {
                // SAFETY: as above; the row is one of `rows`.
                unsafe memcpy(
                    chunk + row * rows.rowStride,
                    source + row * rows.rowByteCount,
                    rows.rowByteCount
                )
            }
        }
    }

    func read(_ rows: ChunkRows, into destination: inout MutableRawSpan) {
        checkBounds(of: rows, byteCount: destination.byteCount)
        // SAFETY: the pointer is not kept beyond the closure.
        unsafe destination.withUnsafeMutableBytes { destination in
            guard let destination = destination.baseAddress else { return }
            // SAFETY: the bounds of both sides were checked, and the arena lives as long as `self`.
            let chunk = unsafe arena.base + rows.offset
            if rows.isContiguous {
                unsafe memcpy(destination, chunk, rows.byteCount)
                return
            }
            for row in 0..<rows.rowCount {
                // SAFETY: as above; the row is one of `rows`.
                unsafe memcpy(
                    destination + row * rows.rowByteCount,
                    chunk + row * rows.rowStride,
                    rows.rowByteCount
                )
            }
        }
    }

    private func checkBounds(of rows: ChunkRows, byteCount: Int) {
        precondition(byteCount == rows.byteCount, "a copy of as many bytes as the rows have")
        precondition(
            rows.offset >= 0 && rows.extent <= arena.byteCount - rows.offset,
            "a copy past the pool's end"
        )
    }
}
