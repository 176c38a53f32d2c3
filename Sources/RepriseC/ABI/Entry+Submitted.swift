public import CReprise

// SAFETY, whole file: pointers are handed to the tables that check them, and results are written where and as
// many as the header says; those of submitted batches are kept until the batch has ended, as the header asks
// for.

/// See `reprise_submit` in reprise.h.
@c @implementation
public func reprise_submit(
    _ client: OpaquePointer?,
    _ operation: Int32,
    _ keys: UnsafePointer<reprise_bytes>?,
    _ values: UnsafePointer<reprise_value>?,
    _ count: Int,
    _ results: UnsafeMutablePointer<Int64>?,
    _ id: UnsafeMutablePointer<UInt64>?
) -> reprise_status {
    unsafe submit(client, operation, 0, (keys, values, count), results, id)
}

/// See `reprise_submit_get_lookup` in reprise.h.
@c @implementation
public func reprise_submit_get_lookup(
    _ client: OpaquePointer?,
    _ lookup: UInt64,
    _ keys: UnsafePointer<reprise_bytes>?,
    _ values: UnsafePointer<reprise_value>?,
    _ count: Int,
    _ results: UnsafeMutablePointer<Int64>?,
    _ id: UnsafeMutablePointer<UInt64>?
) -> reprise_status {
    let operation = Int32(bitPattern: REPRISE_OPERATION_GET.rawValue)
    return unsafe submit(client, operation, lookup, (keys, values, count), results, id)
}

/// A batch as its caller describes it.
private typealias Described = (
    keys: UnsafePointer<reprise_bytes>?, values: UnsafePointer<reprise_value>?, count: Int
)

private func submit(
    _ client: OpaquePointer?,
    _ operation: Int32,
    _ lookup: UInt64,
    _ batch: Described,
    _ results: UnsafeMutablePointer<Int64>?,
    _ id: UnsafeMutablePointer<UInt64>?
) -> reprise_status {
    unsafe Entry.call(client) { client throws(CallError) in
        let results = try unsafe Entry.required(results, "results")
        let id = try unsafe Entry.required(id, "id")
        let keys = try unsafe KeyTable(batch.keys, count: batch.count)
        let work = try unsafe work(operation, lookup, keys, batch.values)
        unsafe id.pointee = try client.queue.submit(SubmittedBatch(work, keys, results: results))
    }
}

private func work(
    _ operation: Int32,
    _ lookup: UInt64,
    _ keys: KeyTable,
    _ values: UnsafePointer<reprise_value>?
) throws(CallError) -> SubmittedBatch.Work {
    switch reprise_operation(rawValue: UInt32(bitPattern: operation)) {
    case REPRISE_OPERATION_SET:
        try keys.checkDistinct()
        return .set(try unsafe ValueTable(values, count: keys.count, copying: true))
    case REPRISE_OPERATION_GET:
        return .get(try unsafe ValueTable(values, count: keys.count, copying: true), lookup: lookup)
    case REPRISE_OPERATION_EXISTS, REPRISE_OPERATION_DELETE, REPRISE_OPERATION_LOOKUP:
        guard unsafe values == nil else {
            throw CallError(.invalidArgument, "operation \(operation) has no values; pass NULL for them")
        }
        return operation == Int32(bitPattern: REPRISE_OPERATION_EXISTS.rawValue)
            ? .exists
            : operation == Int32(bitPattern: REPRISE_OPERATION_DELETE.rawValue) ? .remove : .lookUp
    default:
        throw CallError(.invalidArgument, "operation \(operation); there are 1 to 5, see reprise_operation")
    }
}

/// See `reprise_event_fd` in reprise.h.
@c @implementation
public func reprise_event_fd(_ client: OpaquePointer?) -> Int32 {
    var descriptor: Int32 = -1
    let status = unsafe Entry.call(client) { client throws(CallError) in descriptor = client.queue.event }
    return status == Status.ok.rawValue ? descriptor : status
}

/// See `reprise_drain` in reprise.h.
@c @implementation
public func reprise_drain(
    _ client: OpaquePointer?,
    _ completions: UnsafeMutablePointer<reprise_completion>?,
    _ capacity: Int
) -> Int64 {
    var count = 0
    let status = unsafe Entry.call(client) { client throws(CallError) in
        let completions = try unsafe Entry.required(completions, "completions")
        guard capacity > 0 else { throw CallError(.invalidArgument, "a capacity of 0; pass 1 or more") }
        for ended in client.queue.drain(min(capacity, ClientLimits.submittedBatchCountMax)) {
            unsafe completions[count] = reprise_completion(
                id: ended.number,
                status: ended.status.rawValue,
                reserved: 0
            )
            count += 1
        }
    }
    return status == Status.ok.rawValue ? Int64(count) : Int64(status)
}

/// See `reprise_completion_error` in reprise.h.
@c @implementation
public func reprise_completion_error(
    _ client: OpaquePointer?,
    _ id: UInt64,
    _ text: UnsafeMutablePointer<CChar>?,
    _ capacity: Int
) -> Int {
    var length = 0
    _ = unsafe Entry.call(client) { client throws(CallError) in
        let message = Array((client.queue.error(of: id) ?? "").utf8)
        length = message.count
        guard let text = unsafe text, capacity > 0 else { return }
        let count = min(message.count, capacity - 1)
        for index in 0..<count { unsafe text[index] = CChar(bitPattern: message[index]) }
        unsafe text[count] = 0
    }
    return length
}
