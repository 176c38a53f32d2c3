public import CReprise

// SAFETY, whole file: pointers are handed to the tables that check them, and results are written where and as
// many as the header says; none is kept.

/// See `reprise_acquire` in reprise.h.
@c @implementation
public func reprise_acquire(
    _ client: OpaquePointer?,
    _ keys: UnsafePointer<reprise_bytes>?,
    _ count: Int,
    _ views: UnsafeMutablePointer<reprise_view>?,
    _ results: UnsafeMutablePointer<Int64>?
) -> reprise_status {
    unsafe Entry.call(client) { client throws(CallError) in
        let results = try unsafe Entry.required(results, "results")
        let views = try unsafe Entry.required(views, "views")
        let keys = try unsafe KeyTable(keys, count: count)
        for (index, (value, number)) in try client.acquire(keys).enumerated() {
            unsafe results[index] = value.result
            unsafe views[index] = view(of: value, number)
        }
    }
}

private func view(of value: AcquiredValue, _ number: UInt64) -> reprise_view {
    var view = unsafe reprise_view()
    guard number != 0 else { return unsafe view }
    unsafe view.data = value.address
    unsafe view.length = Int(value.result)
    unsafe view.lease = number
    unsafe view.format = value.format
    unsafe view.dtype = value.dtype
    unsafe view.shape = (value.shape[0], value.shape[1], value.shape[2], value.shape[3])
    return unsafe view
}

/// See `reprise_release` in reprise.h.
@c @implementation
public func reprise_release(
    _ client: OpaquePointer?,
    _ leases: UnsafePointer<UInt64>?,
    _ count: Int
) -> reprise_status {
    unsafe Entry.call(client) { client throws(CallError) in
        guard let leases = unsafe leases, count >= 1, count <= ClientLimits.leaseCountMax else {
            throw CallError(
                .invalidArgument,
                "the leases are NULL, or not 1 to \(ClientLimits.leaseCountMax) of them"
            )
        }
        let unknownCount = client.release(unsafe Array(UnsafeBufferPointer(start: leases, count: count)))
        guard unknownCount == 0 else {
            throw CallError(
                .lease,
                "\(unknownCount) of \(count) leases are not held, or were released before; release each once"
            )
        }
    }
}
