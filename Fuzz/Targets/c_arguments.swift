import CReprise

/// Fuzzes the arguments of the C interface: the input says which functions are called on an embedded client,
/// with which handles, nulls, counts and lengths.
///
/// Nothing may trap, and nothing may be read or written beyond what the arguments describe: memory that is
/// described wrongly is described as too long only where the library must refuse it before it looks.
@c(LLVMFuzzerTestOneInput)
public func fuzzCArguments(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input has `count` bytes and outlives the call.
    var input = Input(bytes: unsafe Array(UnsafeBufferPointer(start: start, count: count)))
    let caller = Caller()
    for _ in 0..<callCountMax where !input.isEmpty { caller.call(&input) }
    return 0
}

private let callCountMax = 64
private let memoryByteCount = 4096
private let elementCount = 8

/// Takes numbers from the input; zeros behind its end.
private struct Input {
    var bytes: [UInt8]
    var offset = 0
    var isEmpty: Bool { offset >= bytes.count }

    mutating func byte() -> Int {
        defer { offset += 1 }
        return offset < bytes.count ? Int(bytes[offset]) : 0
    }
}

/// A client, which ends with the input so that what it leaks is seen, and memory that arguments point to.
private final class Caller {
    var client: OpaquePointer?
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: memoryByteCount)
    let pieces = UnsafeMutablePointer<reprise_piece>.allocate(capacity: elementCount)
    let keys = UnsafeMutablePointer<reprise_bytes>.allocate(capacity: elementCount)
    let values = UnsafeMutablePointer<reprise_value>.allocate(capacity: elementCount)
    let results = UnsafeMutablePointer<Int64>.allocate(capacity: elementCount)
    let views = UnsafeMutablePointer<reprise_view>.allocate(capacity: elementCount)

    init() {
        unsafe memory.initialize(repeating: 65, count: memoryByteCount)
        unsafe results.initialize(repeating: 0, count: elementCount)
        var options = unsafe reprise_embedded_options()
        unsafe options.struct_size = MemoryLayout<reprise_embedded_options>.size
        unsafe options.memory_bytes = 1 << 20
        unsafe options.copy_threads = 1
        guard unsafe reprise_open(&options, &client) == 0 else { fatalError("no embedded client") }
    }

    deinit {
        reprise_close(client)
        unsafe memory.deallocate()
        unsafe pieces.deallocate()
        unsafe keys.deallocate()
        unsafe values.deallocate()
        unsafe results.deallocate()
        unsafe views.deallocate()
    }

    /// A count that is right, or one that must be refused.
    private func count(_ input: inout Input) -> Int {
        switch input.byte() {
        case let count where count < 200: 1 + count % elementCount
        case 200..<210: 0
        case 210..<220: -1
        case 220..<230: Int.max
        case 230..<240: Int.min
        default: 4097
        }
    }

    private func describe(_ input: inout Input) {
        for index in 0..<elementCount {
            let (kind, length) = (input.byte(), input.byte())
            unsafe keys[index] = reprise_bytes(data: memory + length, length: 1 + kind % 16)
            unsafe pieces[index] = reprise_piece(data: memory + 16 * length % 2048, length: 8 * kind)
            unsafe values[index] = reprise_value(pieces: pieces + index, piece_count: 1)
            switch kind {
            case 240: unsafe keys[index].data = nil
            case 241: unsafe keys[index].length = 0
            case 242: unsafe keys[index].length = -1
            case 243: unsafe keys[index].length = Int.max
            case 244: unsafe pieces[index].data = nil
            case 245: unsafe pieces[index].length = -1
            case 246: unsafe values[index].pieces = nil
            case 247: unsafe values[index].piece_count = 0
            case 248: unsafe values[index].piece_count = -1
            case 249: unsafe values[index] = reprise_value(pieces: pieces, piece_count: index + 1)
            case 250: unsafe values[index].piece_count = Int.max
            case 251: unsafe keys[index].data = UnsafeRawPointer(memory)
            default: break
            }
        }
    }

    private func handle(_ input: inout Input) -> OpaquePointer? {
        switch input.byte() {
        case 0..<240: client
        case 240: nil
        case let number: unsafe OpaquePointer(bitPattern: UInt(number) << (UInt(input.byte()) % 57))
        }
    }

    func call(_ input: inout Input) {
        describe(&input)
        let client = handle(&input)
        let count = count(&input)
        let absent = input.byte()
        let keys = unsafe absent == 255 ? nil : keys
        let values = unsafe absent == 254 ? nil : values
        let results = unsafe absent == 253 ? nil : results
        var number = UInt64(input.byte())
        switch input.byte() % 16 {
        case 0, 1: _ = unsafe reprise_set(client, keys, values, count, results)
        case 2: _ = unsafe reprise_get(client, keys, values, count, results)
        case 3: _ = unsafe reprise_get_lookup(client, number, keys, values, count, results)
        case 4: _ = unsafe reprise_exists(client, keys, count, results)
        case 5: _ = unsafe reprise_delete(client, keys, count, results)
        case 6:
            var prefix = 0
            _ =
                absent == 252
                ? unsafe reprise_lookup(client, keys, count, nil, &number)
                : unsafe reprise_lookup(client, keys, count, &prefix, &number)
        case 7: _ = unsafe reprise_forget_lookup(client, number)
        case 8, 9: acquire(client, keys, count, results)
        case 10:
            _ = unsafe reprise_release(client, &number, count > 0 && count <= 4097 ? 1 : count)
        case 11, 12: submit(client, Int32(number) - 1, keys, values, count)
        case 13: _ = unsafe reprise_completion_error(client, number, memory, count < 9 ? max(0, count) : 0)
        case 14:
            var statistics = reprise_statistics()
            statistics.struct_size = absent < 128 ? MemoryLayout<reprise_statistics>.size : absent
            _ = unsafe reprise_get_statistics(client, &statistics)
        default: open(&input)
        }
    }

    private func acquire(
        _ client: OpaquePointer?,
        _ keys: UnsafeMutablePointer<reprise_bytes>?,
        _ count: Int,
        _ results: UnsafeMutablePointer<Int64>?
    ) {
        guard unsafe reprise_acquire(client, keys, count, views, results) == 0 else { return }
        for index in 0..<count where unsafe views[index].lease != 0 {
            // Every byte of a view can be read.
            var sum = 0
            for byte in unsafe UnsafeRawBufferPointer(start: views[index].data, count: views[index].length) {
                sum += Int(byte)
            }
            var lease = unsafe views[index].lease
            guard sum >= 0, unsafe reprise_release(client, &lease, 1) == 0 else {
                fatalError("a lease was lost")
            }
        }
    }

    /// Submits, and waits for the end: the memory must live until then.
    private func submit(
        _ client: OpaquePointer?,
        _ operation: Int32,
        _ keys: UnsafeMutablePointer<reprise_bytes>?,
        _ values: UnsafeMutablePointer<reprise_value>?,
        _ count: Int
    ) {
        var number: UInt64 = 0
        let hasValues = operation == 1 || operation == 2
        let values = unsafe hasValues ? values : nil
        guard unsafe reprise_submit(client, operation, keys, values, count, results, &number) == 0 else {
            return
        }
        var completion = reprise_completion()
        while unsafe reprise_drain(client, &completion, 1) == 0 {}
        guard completion.id == number else { fatalError("another batch has ended") }
    }

    private func open(_ input: inout Input) {
        var client: OpaquePointer?
        var options = unsafe reprise_embedded_options()
        unsafe options.struct_size = input.byte() < 250 ? MemoryLayout<reprise_embedded_options>.size : 7
        // Never enough, so that no memory is taken.
        unsafe options.memory_bytes = UInt64(input.byte())
        unsafe options.disk_bytes = UInt64(input.byte())
        let status =
            input.byte() == 255 ? unsafe reprise_open(&options, nil) : unsafe reprise_open(&options, &client)
        guard status != 0 else { fatalError("a client was made of too little memory") }
        reprise_close(client)
    }
}
