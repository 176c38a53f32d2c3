public import CReprise

// SAFETY, whole file: pointers are handed to the tables that check them, and results are written where and as
// many as the header says; none is kept.

/// See `reprise_set` in reprise.h.
@c @implementation
public func reprise_set(
    _ client: OpaquePointer?,
    _ keys: UnsafePointer<reprise_bytes>?,
    _ values: UnsafePointer<reprise_value>?,
    _ count: Int,
    _ results: UnsafeMutablePointer<Int64>?
) -> reprise_status {
    unsafe Entry.call(client) { client throws(CallError) in
        let results = try unsafe Entry.required(results, "results")
        let keys = try unsafe KeyTable(keys, count: count)
        let values = try unsafe ValueTable(values, count: count, copying: false)
        try keys.checkDistinct()
        unsafe Entry.write(try client.store.set(keys, values), to: results)
    }
}

/// See `reprise_get` in reprise.h.
@c @implementation
public func reprise_get(
    _ client: OpaquePointer?,
    _ keys: UnsafePointer<reprise_bytes>?,
    _ values: UnsafePointer<reprise_value>?,
    _ count: Int,
    _ results: UnsafeMutablePointer<Int64>?
) -> reprise_status {
    unsafe reprise_get_lookup(client, 0, keys, values, count, results)
}

/// See `reprise_get_lookup` in reprise.h.
@c @implementation
public func reprise_get_lookup(
    _ client: OpaquePointer?,
    _ lookup: UInt64,
    _ keys: UnsafePointer<reprise_bytes>?,
    _ values: UnsafePointer<reprise_value>?,
    _ count: Int,
    _ results: UnsafeMutablePointer<Int64>?
) -> reprise_status {
    unsafe Entry.call(client) { client throws(CallError) in
        let results = try unsafe Entry.required(results, "results")
        let keys = try unsafe KeyTable(keys, count: count)
        let values = try unsafe ValueTable(values, count: count, copying: false)
        unsafe Entry.write(try client.store.get(keys, values, lookup: lookup), to: results)
    }
}

/// See `reprise_exists` in reprise.h.
@c @implementation
public func reprise_exists(
    _ client: OpaquePointer?,
    _ keys: UnsafePointer<reprise_bytes>?,
    _ count: Int,
    _ results: UnsafeMutablePointer<Int64>?
) -> reprise_status {
    unsafe Entry.call(client) { client throws(CallError) in
        let results = try unsafe Entry.required(results, "results")
        let keys = try unsafe KeyTable(keys, count: count)
        unsafe Entry.write(try client.store.exists(keys), to: results)
    }
}

/// See `reprise_delete` in reprise.h.
@c @implementation
public func reprise_delete(
    _ client: OpaquePointer?,
    _ keys: UnsafePointer<reprise_bytes>?,
    _ count: Int,
    _ results: UnsafeMutablePointer<Int64>?
) -> reprise_status {
    unsafe Entry.call(client) { client throws(CallError) in
        let results = try unsafe Entry.required(results, "results")
        let keys = try unsafe KeyTable(keys, count: count)
        unsafe Entry.write(try client.store.remove(keys), to: results)
    }
}

/// See `reprise_lookup` in reprise.h.
@c @implementation
public func reprise_lookup(
    _ client: OpaquePointer?,
    _ keys: UnsafePointer<reprise_bytes>?,
    _ count: Int,
    _ prefix: UnsafeMutablePointer<Int>?,
    _ lookup: UnsafeMutablePointer<UInt64>?
) -> reprise_status {
    unsafe Entry.call(client) { client throws(CallError) in
        let prefix = try unsafe Entry.required(prefix, "prefix")
        let keys = try unsafe KeyTable(keys, count: count)
        let found = try unsafe client.store.lookUp(keys, keeping: lookup != nil)
        unsafe prefix.pointee = found.prefix
        unsafe lookup?.pointee = found.lookup
    }
}

/// See `reprise_forget_lookup` in reprise.h.
@c @implementation
public func reprise_forget_lookup(_ client: OpaquePointer?, _ lookup: UInt64) -> reprise_status {
    unsafe Entry.call(client) { client throws(CallError) in
        if lookup != 0 { try client.store.forget(lookup) }
    }
}
