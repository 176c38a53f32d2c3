extension CUDARuntime {
    /// The `cudaError_t` values that callers can act on.
    private enum Status {
        static let success: Int32 = 0
        static let memoryAllocation: Int32 = 2
        static let insufficientDriver: Int32 = 35
        static let noDevice: Int32 = 100
    }

    /// The `cudaMemcpyKind` values.
    private enum CopyKind {
        static let hostToDevice: Int32 = 1
        static let deviceToHost: Int32 = 2
    }

    /// `cudaHostRegisterPortable`: page-locked for all devices, not the current one alone.
    private static let registerPortable: UInt32 = 1

    /// The number of CUDA devices that this process may use.
    ///
    /// - Throws: `unsupported` when there is none or its driver is too old, `system` for other CUDA errors.
    public func deviceCount() throws(StorageError) -> Int {
        var count: Int32 = 0
        // SAFETY: the call writes one number.
        try check(unsafe functions.getDeviceCount(&count), "cudaGetDeviceCount")
        return Int(count)
    }

    /// The calling thread's current device.
    func currentDevice() throws(StorageError) -> Int {
        var device: Int32 = 0
        // SAFETY: the call writes one number.
        try check(unsafe functions.getDevice(&device), "cudaGetDevice")
        return Int(device)
    }

    /// Makes a device the calling thread's current one.
    ///
    /// - Returns: The device that was current, for ``restore(device:)``; `nil` when it was this one.
    func select(device: Int) throws(StorageError) -> Int? {
        let previous = try currentDevice()
        guard device != previous else { return nil }
        try check(functions.setDevice(Int32(device)), "cudaSetDevice to \(device)")
        return previous
    }

    /// Makes the device current again that ``select(device:)`` returned.
    func restore(device: Int?) {
        // It was current before, so a failure tells nothing that the thread's next call would not.
        if let device { settle(functions.setDevice(Int32(device))) }
    }

    /// Allocates memory on the current device.
    @unsafe func allocate(byteCount: Int) throws(StorageError) -> UnsafeMutableRawPointer {
        var address: UnsafeMutableRawPointer?
        // SAFETY: the call writes one address.
        try check(unsafe functions.malloc(&address, byteCount), "cudaMalloc of \(byteCount) bytes")
        guard let address = unsafe address else {
            throw StorageError(.system, "cudaMalloc of \(byteCount) bytes returned no address")
        }
        // SAFETY: CUDA allocated it; the caller frees it.
        return unsafe address
    }

    /// Frees memory of the current device.
    @unsafe func free(_ address: UnsafeMutableRawPointer) {
        // SAFETY: the caller's address came from `allocate` and is not used again.
        settle(unsafe functions.free(address))
    }

    /// Copies rows without gaps to rows in the memory at `base` on the device.
    @unsafe func copyToDevice(
        _ rows: ChunkRows,
        base: UnsafeMutableRawPointer,
        from source: UnsafeRawPointer
    ) throws(StorageError) {
        // SAFETY: the caller checked both sides' bounds.
        let chunk = unsafe base + rows.offset
        if rows.isContiguous {
            let status = unsafe functions.memcpy(chunk, source, rows.byteCount, CopyKind.hostToDevice)
            return try check(status, "cudaMemcpy of \(rows.byteCount) bytes to the device")
        }
        // SAFETY: as above.
        let status = unsafe functions.memcpy2D(
            chunk,
            rows.rowStride,
            source,
            rows.rowByteCount,
            rows.rowByteCount,
            rows.rowCount,
            CopyKind.hostToDevice
        )
        try check(status, "cudaMemcpy2D of \(rows.byteCount) bytes to the device")
    }

    /// Copies rows in the memory at `base` on the device out, without the gaps.
    @unsafe func copyToHost(
        _ rows: ChunkRows,
        base: UnsafeMutableRawPointer,
        into destination: UnsafeMutableRawPointer
    ) throws(StorageError) {
        // SAFETY: the caller checked both sides' bounds.
        let chunk = unsafe UnsafeRawPointer(base + rows.offset)
        if rows.isContiguous {
            let status = unsafe functions.memcpy(destination, chunk, rows.byteCount, CopyKind.deviceToHost)
            return try check(status, "cudaMemcpy of \(rows.byteCount) bytes from the device")
        }
        // SAFETY: as above.
        let status = unsafe functions.memcpy2D(
            destination,
            rows.rowByteCount,
            chunk,
            rows.rowStride,
            rows.rowByteCount,
            rows.rowCount,
            CopyKind.deviceToHost
        )
        try check(status, "cudaMemcpy2D of \(rows.byteCount) bytes from the device")
    }

    /// Page-locks host memory for all devices.
    @unsafe func registerHost(_ address: UnsafeMutableRawPointer, byteCount: Int) throws(StorageError) {
        // SAFETY: the caller keeps the memory mapped until `unregisterHost`.
        let status = unsafe functions.hostRegister(address, byteCount, CUDARuntime.registerPortable)
        try check(status, "cudaHostRegister of \(byteCount) bytes")
    }

    /// Ends a page lock; it fails only where the process is ending, and the lock with it.
    @unsafe func unregisterHost(_ address: UnsafeMutableRawPointer) {
        // SAFETY: the caller's address came from `registerHost`.
        settle(unsafe functions.hostUnregister(address))
    }

    /// Throws what a call that failed means, in the runtime's own words.
    private func check(_ status: Int32, _ call: @autoclosure () -> String) throws(StorageError) {
        guard status != Status.success else { return }
        settle(status)
        // SAFETY: the runtime's texts are constants that end with a zero.
        let text = unsafe functions.getErrorString(status).map { unsafe String(cString: $0) } ?? "no text"
        let code: StorageError.Code =
            switch status {
            case Status.memoryAllocation: .outOfMemory
            case Status.insufficientDriver, Status.noDevice: .unsupported
            default: .system
            }
        throw StorageError(code, "\(call()) failed: \(text) (CUDA error \(status))")
    }

    /// Clears a failed call's status: it would otherwise be found by the next one who asks, such as a kernel
    /// launch.
    private func settle(_ status: Int32) {
        if status != Status.success { _ = functions.getLastError() }
    }
}
