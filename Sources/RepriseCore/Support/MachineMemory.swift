internal import Glibc

// SAFETY, whole file: the calls write to at most the buffer's length, and keep no pointer.

/// How much memory this process may use: the container's limit when there is one, else the machine's memory.
public enum MachineMemory {
    /// Bytes that this process and its container may use.
    public static var limitByteCount: Int {
        let physical = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        return cgroupLimits.reduce(physical) { min($0, $1) }
    }

    /// The limits of this process's control group and its ancestors, version 2 and 1; none where there is no
    /// limit.
    private static var cgroupLimits: [Int] {
        var paths = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        for line in (read("/proc/self/cgroup") ?? "").split(separator: "\n") where line.hasPrefix("0::/") {
            var group = line.dropFirst(3)
            while group.count > 1 {
                paths.append("/sys/fs/cgroup\(group)/memory.max")
                group = group.prefix(upTo: group.lastIndex(of: "/") ?? group.startIndex)
            }
        }
        return paths.compactMap { path in
            read(path).flatMap { Int($0.prefix { $0 != "\n" }) }
        }
    }

    /// A small file's text, or `nil` when it cannot be read.
    private static func read(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            // SAFETY: at most the buffer's bytes are read.
            unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        }
        return count >= 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
    }
}
