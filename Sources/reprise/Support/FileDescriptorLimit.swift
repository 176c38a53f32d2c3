import Glibc

/// The system's limit on open files.
enum FileDescriptorLimit {
    /// Descriptors that the process needs beside connections.
    private static let reserve = 64

    /// Raises the soft limit as far as allowed; returns how many connections it leaves room for, `nil` if
    /// unknown.
    static func raise(forConnections count: Int) -> Int? {
        var limit = rlimit()
        // SAFETY: the structure is written during the call, here, and read below.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        let wanted = min(rlim_t(count + reserve), limit.rlim_max)
        if limit.rlim_cur < wanted {
            limit.rlim_cur = wanted
            // SAFETY: as above.
            guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
                return nil
            }
        }
        return Int(clamping: limit.rlim_cur) - reserve
    }
}
