public import CReprise
internal import CRepriseShims
internal import Glibc
internal import RepriseDisk

// SAFETY, whole file: options are read during the call alone, and as far as the library knows them; texts
// that are returned are parts of the library, or the thread's own.

/// See `reprise_open` in reprise.h.
@c @implementation
public func reprise_open(
    _ options: UnsafePointer<reprise_embedded_options>?,
    _ client: UnsafeMutablePointer<OpaquePointer?>?
) -> reprise_status {
    unsafe open(client) { serial throws(CallError) in
        guard let options = unsafe options?.pointee else {
            throw CallError(.invalidArgument, "the options are NULL")
        }
        try unsafe Options.checkSize(options.struct_size, MemoryLayout<reprise_embedded_options>.size)
        let memory = unsafe options.memory_bytes
        guard memory >= ClientLimits.memoryByteCountMin, let memory = Int(exactly: memory) else {
            throw CallError(
                .invalidArgument,
                "\(memory) bytes of memory; give it \(ClientLimits.memoryByteCountMin) or more"
            )
        }
        let counters = CopyCounters()
        let threads = try unsafe Options.copyThreadCount(options.copy_threads)
        let disk = try unsafe Options.disk(options.disk_path, byteCount: options.disk_bytes)
        let store = try EmbeddedStore(memoryByteCount: memory, disk: disk, counters: counters)
        return try Client(serial: serial, store: store, counters: counters, copyThreadCount: threads)
    }
}

/// Makes a client and its handle.
func open(
    _ handle: UnsafeMutablePointer<OpaquePointer?>?,
    _ make: (UInt64) throws(CallError) -> Client
) -> reprise_status {
    Entry.status { () throws(CallError) in
        let handle = try unsafe Entry.required(handle, "client")
        unsafe handle.pointee = nil
        let client = try make(Registry.shared.makeSerial())
        unsafe handle.pointee = Registry.shared.add(client)
    }
}

/// See `reprise_close` in reprise.h.
@c @implementation
public func reprise_close(_ client: OpaquePointer?) {
    guard unsafe client != nil else { return }
    do throws(CallError) {
        guard let (found, isIdle) = try unsafe Registry.shared.beginClosing(client) else { return }
        if !isIdle { found.waitUntilIdle() }
        found.close()
        Registry.shared.remove(found)
    } catch {
        if error.status == .forked { unsafe Registry.shared.abandon(client) }
        _ = Entry.note(error)
    }
}

/// See `reprise_get_statistics` in reprise.h.
@c @implementation
public func reprise_get_statistics(
    _ client: OpaquePointer?,
    _ statistics: UnsafeMutablePointer<reprise_statistics>?
) -> reprise_status {
    unsafe Entry.call(client) { client throws(CallError) in
        let statistics = try unsafe Entry.required(statistics, "statistics")
        let size = unsafe statistics.pointee.struct_size
        try Options.checkSize(size, MemoryLayout<reprise_statistics>.size)
        let facts = try client.store.facts()
        let leased = client.leased
        unsafe statistics.pointee = reprise_statistics(
            struct_size: size,
            connected: facts.isConnected ? 1 : 0,
            writable: facts.isWritable ? 1 : 0,
            capacity_bytes: facts.capacityByteCount,
            used_bytes: facts.usedByteCount,
            entries: facts.entryCount,
            reconnects: facts.reconnectCount,
            leases: UInt64(leased.count),
            leased_bytes: UInt64(leased.byteCount),
            bytes_stored: client.counters.storedByteCount,
            bytes_loaded: client.counters.loadedByteCount
        )
    }
}

/// See `reprise_version` in reprise.h.
@c @implementation
public func reprise_version() -> UnsafePointer<CChar>? { unsafe LibraryVersion.text.cString }

/// See `reprise_abi_version` in reprise.h.
@c @implementation
public func reprise_abi_version() -> UInt32 { UInt32(REPRISE_ABI_MAJOR) << 16 | UInt32(REPRISE_ABI_MINOR) }

/// See `reprise_status_text` in reprise.h.
@c @implementation
public func reprise_status_text(_ status: reprise_status) -> UnsafePointer<CChar>? {
    let text: StaticString = Status(rawValue: status)?.text ?? "an unknown status"
    return unsafe text.cString
}

/// See `reprise_last_error` in reprise.h.
@c @implementation
public func reprise_last_error() -> UnsafePointer<CChar>? { unsafe reprise_thread_text() }

/// The library's version.
enum LibraryVersion {
    /// The same as the program's, `RepriseVersion`; a test compares them.
    static let text: StaticString = "0.1.0"
}

extension StaticString {
    /// The text as C has it: ended by a zero byte, as literals are.
    fileprivate var cString: UnsafePointer<CChar> {
        unsafe UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
