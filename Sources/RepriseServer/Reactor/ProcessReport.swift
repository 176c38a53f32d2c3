internal import Glibc

// SAFETY, whole file: the calls write to at most what they are given, during the call.

/// What the system says of this process.
enum ProcessReport {
    /// The process's number.
    static var identifier: Int32 { getpid() }

    /// Processors that the system has.
    static var processorCount: Int { sysconf(Int32(_SC_NPROCESSORS_ONLN)) }

    /// The system's name, release and machine.
    static var system: String {
        var name = utsname()
        unsafe uname(&name)
        return [
            unsafe withUnsafeBytes(of: &name.sysname) { unsafe text($0) },
            unsafe withUnsafeBytes(of: &name.release) { unsafe text($0) },
            unsafe withUnsafeBytes(of: &name.machine) { unsafe text($0) },
        ].joined(separator: " ")
    }

    /// Bytes of the process in memory, the pages of its arena included; 0 when the system does not tell.
    static var residentByteCount: Int {
        let descriptor = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        let fields = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
        // The second field counts resident pages: proc(5).
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    /// Processor time of the process, in the system and in itself, as decimal seconds.
    static var processorTimes: [(name: String, seconds: String)] {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return [("sys", text(usage.ru_stime)), ("user", text(usage.ru_utime))]
    }

    private static func text(_ time: timeval) -> String {
        let fraction = String(time.tv_usec)
        return "\(time.tv_sec)." + String(repeating: "0", count: 6 - fraction.count) + fraction
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
