/// Whether a pool's host memory is page-locked for CUDA, so that copies to and from a device need no staging.
public enum HostPinning: Hashable, Sendable {
    /// When a CUDA runtime is found and agrees; otherwise the pool says why not, and works without.
    ///
    /// Where there is a device, page-locking makes the runtime take some memory on it for the process.
    case whenAvailable
    /// Page-locked, or the pool is not created.
    case required
    /// No CUDA runtime is looked for.
    case never
}
