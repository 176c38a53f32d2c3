// Puts values into a Redis and gets them back, and prints what it took as JSON; remote_peers.py runs it
// beside its peers. `bare` is RESP and nothing else, a connection and a thread each; `backend` is the remote
// backend.
//
// Run with: RemoteBench bare|backend PORT VALUE_BYTES COUNT CONNECTIONS
import Glibc
import RepriseCore
import RepriseRemote

struct Options {
    var isBare = false
    var port: UInt16 = 0
    var (valueByteCount, count, connectionCount) = (0, 0, 0)

    init?(_ words: some Collection<String>) {
        let words = Array(words)
        let numbers = words.dropFirst().compactMap { Int($0) }
        guard words.count == 5, ["bare", "backend"].contains(words[0]), numbers.count == 4,
            numbers.allSatisfy({ $0 > 0 }), let port = UInt16(exactly: numbers[0])
        else { return nil }
        isBare = words[0] == "bare"
        self.port = port
        (valueByteCount, count, connectionCount) = (numbers[1], numbers[2], numbers[3])
    }

    var keys: [StorageKey] { (0..<count).map { StorageKey("model@1@0@\(String($0 + 1, radix: 16))@half") } }

    var url: NodeURL { NodeURL(.resp, .tcp(host: "127.0.0.1", port: port)) }
}

func seconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Bytes that do not repeat.
func makeBytes(_ count: Int) -> [UInt8] {
    var state: UInt64 = 1
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
    }
}

/// Bytes a second over all connections of something done for each key, each connection's share in turn; and
/// how often it went wrong.
func bare(
    _ options: Options,
    _ perform: @escaping @Sendable (inout RESPConnection, StorageKey, inout TransferBuffer) throws -> Bool
) -> (rate: Double, wrong: Int) {
    let (keys, wrong) = (options.keys, Lock(0))
    let ready = Lock(0)
    let start = Lock(0.0)
    let threads = (0..<options.connectionCount).map { number in
        Thread(name: "bare-\(number)") {
            guard var connection = try? RESPConnection(connectingTo: options.url) else {
                return wrong.withLock { $0 += 1 }
            }
            var buffer = TransferBuffer(byteCapacity: options.valueByteCount + 4096)
            // All begin when the last has connected.
            ready.withLock { $0 += 1 }
            while ready.withLock({ $0 }) < options.connectionCount { usleep(50) }
            start.withLock { if $0 == 0 { $0 = seconds() } }
            for index in stride(from: number, to: keys.count, by: options.connectionCount) {
                let isRight = (try? perform(&connection, keys[index], &buffer)) ?? false
                if !isRight { wrong.withLock { $0 += 1 } }
            }
        }
    }
    for thread in threads { thread.join() }
    let total = seconds() - start.withLock { $0 }
    return (Double(options.count * options.valueByteCount) / total, wrong.withLock { $0 })
}

func measureBare(_ options: Options) -> (put: Double, get: Double, wrong: Int) {
    let bytes = makeBytes(options.valueByteCount)
    let puts = bare(options) { connection, key, _ in
        try connection.put(key, bytes.rawSpan)
        return true
    }
    let gets = bare(options) { connection, key, buffer in
        try connection.get(key, into: &buffer) == bytes.count
    }
    return (puts.rate, gets.rate, puts.wrong + gets.wrong)
}

func measureBackend(_ options: Options) throws -> (put: Double, get: Double, wrong: Int) {
    let batchCount = 8 * options.connectionCount
    let byteCount = max(256 << 20, 2 * batchCount * options.valueByteCount)
    var pool = MemoryPool.Configuration(byteCount: byteCount)
    pool.byteCountPopulatedFirst = byteCount
    let memory = LocalCPUBackend(pool: try MemoryPool(pool))
    var limits = RemoteLimits()
    limits.connectionCount = options.connectionCount
    let url = try RemoteURL(parsing: "redis://127.0.0.1:\(options.port)")
    let backend = RemoteBackend(memory: memory, url: url, limits: limits)
    defer { backend.close() }
    let metadata = MemoryObjectMetadata(shape: [options.valueByteCount], dtype: .uint8, format: .binary)
    guard let object = try memory.allocate(metadata) else { return (0, 0, 1) }
    object.copy(from: makeBytes(options.valueByteCount).rawSpan)
    // The connections are made.
    for _ in 0..<options.connectionCount { _ = backend.contains("absent") }
    var wrong = 0
    let keys = options.keys
    let batches = stride(from: 0, to: keys.count, by: batchCount).map {
        Array(keys[$0..<min($0 + batchCount, keys.count)])
    }
    var start = seconds()
    for batch in batches {
        let tasks = backend.batchedSubmitPutTask(batch, batch.map { _ in object })
        wrong += tasks.count { !($0?.wait() ?? false) }
    }
    let put = Double(options.count * options.valueByteCount) / (seconds() - start)
    start = seconds()
    for batch in batches {
        let found = backend.batchedGetBlocking(batch)
        wrong += batch.count - found.count
        for object in found { object.release() }
    }
    let get = Double(options.count * options.valueByteCount) / (seconds() - start)
    object.release()
    return (put, get, wrong)
}

guard let options = Options(CommandLine.arguments.dropFirst()) else {
    print("usage: RemoteBench bare|backend PORT VALUE_BYTES COUNT CONNECTIONS")
    exit(2)
}
let found = options.isBare ? measureBare(options) : try measureBackend(options)
print("{\"put\": \(found.put), \"get\": \(found.get), \"wrong\": \(found.wrong)}")
