import CReprise
import Glibc

// SAFETY, whole file: the memory that is passed to the library lives during the calls.

/// The C interface as tests call it.
@safe
final class CClient {
    let handle: OpaquePointer?
    let status: reprise_status

    /// An embedded client.
    init(memoryByteCount: UInt64 = 16 << 20) {
        var handle: OpaquePointer?
        var options = unsafe reprise_embedded_options()
        unsafe options.struct_size = MemoryLayout<reprise_embedded_options>.size
        unsafe options.memory_bytes = memoryByteCount
        status = unsafe reprise_open(&options, &handle)
        unsafe self.handle = handle
    }

    /// A client of a node.
    init(
        connectingTo path: String,
        timeoutMilliseconds: UInt32 = 20_000,
        connectMilliseconds: UInt32 = 20_000,
        later: Bool = false
    ) {
        var handle: OpaquePointer?
        status = unsafe path.withCString { path in
            var options = unsafe reprise_options()
            unsafe options.struct_size = MemoryLayout<reprise_options>.size
            unsafe options.socket_path = path
            unsafe options.timeout_ms = timeoutMilliseconds
            unsafe options.connect_timeout_ms = connectMilliseconds
            unsafe options.connect_later = later ? 1 : 0
            return unsafe reprise_connect(&options, &handle)
        }
        unsafe self.handle = handle
    }

    deinit { unsafe reprise_close(handle) }

    /// What the thread's last wrong call was told.
    static var lastError: String { unsafe String(cString: reprise_last_error()) }

    /// Stores values; the call's status, and the keys'.
    func set(_ values: [(key: String, value: [UInt8])]) -> (status: reprise_status, results: [Int64]) {
        var memory = values.map { $0.value }
        return unsafe call(values.map { $0.key }, &memory) { keys, values, count, results in
            unsafe reprise_set(handle, keys, values, count, results)
        }
    }

    /// Loads values of so many bytes.
    func get(
        _ keys: [String],
        byteCount: Int,
        lookup: UInt64 = 0
    ) -> (status: reprise_status, results: [Int64], values: [[UInt8]]) {
        var memory = keys.map { _ in [UInt8](repeating: 0, count: byteCount) }
        let (status, results) = unsafe call(keys, &memory) { keys, values, count, results in
            unsafe reprise_get_lookup(handle, lookup, keys, values, count, results)
        }
        return (status, results, memory)
    }

    func exists(_ keys: [String]) -> (status: reprise_status, results: [Int64]) {
        var memory: [[UInt8]] = keys.map { _ in [0] }
        return unsafe call(keys, &memory) { keys, _, count, results in
            unsafe reprise_exists(handle, keys, count, results)
        }
    }

    func remove(_ keys: [String]) -> (status: reprise_status, results: [Int64]) {
        var memory: [[UInt8]] = keys.map { _ in [0] }
        return unsafe call(keys, &memory) { keys, _, count, results in
            unsafe reprise_delete(handle, keys, count, results)
        }
    }

    func lookUp(_ keys: [String], keeping: Bool) -> (status: reprise_status, prefix: Int, lookup: UInt64) {
        var prefix = -1
        var lookup: UInt64 = 0
        var memory: [[UInt8]] = keys.map { _ in [0] }
        let (status, _) = unsafe call(keys, &memory) { keys, _, count, _ in
            keeping
                ? unsafe reprise_lookup(handle, keys, count, &prefix, &lookup)
                : unsafe reprise_lookup(handle, keys, count, &prefix, nil)
        }
        return (status, prefix, lookup)
    }

    func acquire(_ keys: [String]) -> (status: reprise_status, results: [Int64], views: [reprise_view]) {
        var views = unsafe [reprise_view](repeating: reprise_view(), count: keys.count)
        var memory: [[UInt8]] = keys.map { _ in [0] }
        let (status, results) = unsafe call(keys, &memory) { keys, _, count, results in
            unsafe reprise_acquire(handle, keys, count, &views, results)
        }
        return unsafe (status, results, views)
    }

    func release(_ leases: [UInt64]) -> reprise_status {
        unsafe reprise_release(handle, leases, leases.count)
    }

    var statistics: reprise_statistics {
        var statistics = reprise_statistics()
        statistics.struct_size = MemoryLayout<reprise_statistics>.size
        _ = unsafe reprise_get_statistics(handle, &statistics)
        return statistics
    }

    private typealias Call = (
        UnsafePointer<reprise_bytes>?, UnsafePointer<reprise_value>?, Int, UnsafeMutablePointer<Int64>?
    ) -> reprise_status

    /// Describes keys and memory as the header does; memory is copied out and back.
    private func call(
        _ keys: [String],
        _ memory: inout [[UInt8]],
        _ body: Call
    ) -> (status: reprise_status, results: [Int64]) {
        var results = [Int64](repeating: 0, count: keys.count)
        let texts = unsafe keys.map { unsafe strdup($0) }
        let places = unsafe memory.map { value in
            let place = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, value.count))
            unsafe place.update(from: value, count: value.count)
            return unsafe place
        }
        let pieces = UnsafeMutablePointer<reprise_piece>.allocate(capacity: max(1, keys.count))
        var values: [reprise_value] = unsafe []
        for index in keys.indices {
            unsafe pieces[index] = reprise_piece(data: places[index], length: memory[index].count)
            unsafe values.append(reprise_value(pieces: pieces + index, piece_count: 1))
        }
        let names = unsafe zip(keys, texts).map { unsafe reprise_bytes(data: $1, length: $0.utf8.count) }
        let status = unsafe body(names, values, keys.count, &results)
        for index in memory.indices {
            memory[index] = unsafe Array(
                UnsafeBufferPointer(start: places[index], count: memory[index].count)
            )
            unsafe places[index].deallocate()
            unsafe free(texts[index])
        }
        unsafe pieces.deallocate()
        return (status, results)
    }
}
