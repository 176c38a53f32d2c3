/// An arena's page lock in the CUDA runtime; it ends before the arena can.
final class HostRegistration: Sendable {
    private let arena: Arena
    private let runtime: CUDARuntime

    /// Page-locks the whole arena for all devices.
    ///
    /// - Throws: What the runtime reports.
    init(arena: Arena, runtime: CUDARuntime) throws(StorageError) {
        // SAFETY: the arena's mapping is populated and outlives the registration.
        // It comes before the properties: once they are set, an initialiser that throws would run `deinit`.
        try unsafe runtime.registerHost(arena.base, byteCount: arena.byteCount)
        self.arena = arena
        self.runtime = runtime
    }

    deinit {
        // SAFETY: `init` registered this address.
        unsafe runtime.unregisterHost(arena.base)
    }
}
