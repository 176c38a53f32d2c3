/// Memory of a CUDA device for a pool of chunks: one allocation, freed with this.
@safe
final class DeviceChunkMemory: ChunkMemory {
    // SAFETY: a device address, never loaded from or stored to; allocated in `init` and freed in `deinit`.
    private nonisolated(unsafe) let base: UnsafeMutableRawPointer
    private let byteCount: Int
    private let runtime: CUDARuntime
    let deviceIndex: Int

    /// Allocates `byteCount` bytes on a device, on the current one for `nil`.
    ///
    /// - Throws: `invalidArgument` for a device that the machine has not; else what the runtime reports.
    init(byteCount: Int, deviceIndex: Int?, runtime: CUDARuntime) throws(StorageError) {
        self.byteCount = byteCount
        self.runtime = runtime
        let count = try runtime.deviceCount()
        let deviceIndex = if let deviceIndex { deviceIndex } else { try runtime.currentDevice() }
        guard (0..<count).contains(deviceIndex) else {
            throw StorageError(.invalidArgument, "no device cuda:\(deviceIndex): the machine has \(count)")
        }
        self.deviceIndex = deviceIndex
        let previous = try runtime.select(device: deviceIndex)
        defer { runtime.restore(device: previous) }
        // SAFETY: the address is not used on the host, and freed only in `deinit`.
        unsafe base = try runtime.allocate(byteCount: byteCount)
    }

    deinit {
        // Freeing fails only where the device or the process is going away, and the memory with it.
        let previous = try? runtime.select(device: deviceIndex)
        // SAFETY: `init` allocated the address; no object is left that could name it.
        unsafe runtime.free(base)
        runtime.restore(device: previous)
    }

    func write(_ source: RawSpan, to rows: ChunkRows) throws(StorageError) {
        checkBounds(of: rows, byteCount: source.byteCount)
        let previous = try runtime.select(device: deviceIndex)
        defer { runtime.restore(device: previous) }
        // SAFETY: the pointer is not kept beyond the closure.
        try unsafe source.withUnsafeBytes { source throws(StorageError) in
            guard let source = source.baseAddress else { return }
            // SAFETY: the bounds of both sides were checked.
            try unsafe runtime.copyToDevice(rows, base: base, from: source)
        }
    }

    func read(_ rows: ChunkRows, into destination: inout MutableRawSpan) throws(StorageError) {
        checkBounds(of: rows, byteCount: destination.byteCount)
        let previous = try runtime.select(device: deviceIndex)
        defer { runtime.restore(device: previous) }
        // SAFETY: the pointer is not kept beyond the closure.
        try unsafe destination.withUnsafeMutableBytes { destination throws(StorageError) in
            guard let destination = destination.baseAddress else { return }
            // SAFETY: the bounds of both sides were checked.
            try unsafe runtime.copyToHost(rows, base: base, into: destination)
        }
    }

    private func checkBounds(of rows: ChunkRows, byteCount: Int) {
        precondition(byteCount == rows.byteCount, "a copy of as many bytes as the rows have")
        precondition(
            rows.offset >= 0 && rows.extent <= self.byteCount - rows.offset,
            "a copy past the pool's end"
        )
    }
}
