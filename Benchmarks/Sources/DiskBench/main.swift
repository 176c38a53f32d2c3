// Puts values on a disk and gets them back cold, through the backend, and prints what it took as JSON;
// disk_peers.py runs it beside its peers. The directory stays, and the next run begins where this one ended.
//
// Run with: DiskBench DIRECTORY BYTES VALUE_BYTES COUNT BATCH FIRST
//   BYTES: of the disk; COUNT: values; BATCH: values of one call; FIRST: number of the first value's key.
import Glibc
import RepriseCore
import RepriseDisk

struct Options {
    var path = ""
    var (diskByteCount, valueByteCount, count, batchCount, first) = (0, 0, 0, 0, 0)

    init?(_ words: some Collection<String>) {
        let words = Array(words)
        let numbers = words.dropFirst().compactMap { Int($0) }
        guard words.count == 6, numbers.count == 5, numbers.dropLast().allSatisfy({ $0 > 0 }) else {
            return nil
        }
        path = words[0]
        (diskByteCount, valueByteCount, count) = (numbers[0], numbers[1], numbers[2])
        (batchCount, first) = (numbers[3], numbers[4])
    }

    func key(_ number: Int) -> StorageKey {
        StorageKey("model@1@0@\(String(first + number, radix: 16))@half")
    }

    /// The numbers of the values, one batch after the other.
    var batches: [Range<Int>] {
        stride(from: 0, to: count, by: batchCount).map { $0..<min($0 + batchCount, count) }
    }
}

func seconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// What calls took: the rate of all together, and shares of the single ones.
struct Figures {
    var latencies: [Double] = []
    var total = 0.0

    mutating func time(_ body: () -> Void) {
        let start = seconds()
        body()
        latencies.append(seconds() - start)
    }

    func json(byteCount: Int) -> String {
        let sorted = latencies.sorted()
        let p50 = sorted[sorted.count / 2]
        let p99 = sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
        let shares = "\"p50_us\": \(p50 * 1e6), \"p99_us\": \(p99 * 1e6)"
        return "{\"bytes_per_second\": \(Double(byteCount) / total), \(shares)}"
    }
}

/// Objects of random bytes, as many as one batch takes, in blocks of the arena.
func makeObjects(_ options: Options, in memory: LocalCPUBackend) throws -> [MemoryObject] {
    var state = UInt64(options.first) &+ 1
    let metadata = MemoryObjectMetadata(shape: [options.valueByteCount], dtype: .uint8, format: .binary)
    return try (0..<options.batchCount).map { _ in
        var bytes = [UInt8](repeating: 0, count: options.valueByteCount)
        unsafe bytes.withUnsafeMutableBytes { buffer in
            for index in 0..<options.valueByteCount / 8 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                unsafe buffer.storeBytes(of: state ^ state >> 33, toByteOffset: index * 8, as: UInt64.self)
            }
        }
        guard let object = try memory.allocate(metadata) else { fatalError("the memory is too small") }
        object.copy(from: bytes.rawSpan)
        return object
    }
}

/// Puts all values, and counts those that were not stored.
func put(_ options: Options, _ backend: LocalDiskBackend, _ objects: [MemoryObject]) -> (Figures, failed: Int)
{
    var (figures, failed) = (Figures(), 0)
    let start = seconds()
    for batch in options.batches {
        figures.time {
            let keys = batch.map(options.key)
            let tasks = backend.batchedSubmitPutTask(keys, Array(objects.prefix(batch.count)))
            failed += tasks.count { !($0?.wait() ?? false) }
        }
    }
    figures.total = seconds() - start
    return (figures, failed)
}

/// Gets all values, and counts those that were not there.
func get(_ options: Options, _ backend: LocalDiskBackend) -> (Figures, failed: Int) {
    var (figures, failed) = (Figures(), 0)
    let start = seconds()
    for batch in options.batches {
        figures.time {
            let found = backend.batchedGetBlocking(batch.map(options.key))
            failed += batch.count - found.count
            for object in found { object.release() }
        }
    }
    figures.total = seconds() - start
    return (figures, failed)
}

guard let options = Options(CommandLine.arguments.dropFirst()) else {
    print("usage: DiskBench DIRECTORY BYTES VALUE_BYTES COUNT BATCH FIRST")
    exit(2)
}
let byteCount = max(256 << 20, 4 * options.batchCount * options.valueByteCount)
var poolConfiguration = MemoryPool.Configuration(byteCount: byteCount)
poolConfiguration.byteCountPopulatedFirst = byteCount
let memory = LocalCPUBackend(pool: try MemoryPool(poolConfiguration))
let objects = try makeObjects(options, in: memory)
let configuration = DiskConfiguration(path: options.path, byteCount: options.diskByteCount)
let backend = try LocalDiskBackend([configuration], memory: memory)
let (puts, failedPuts) = put(options, backend, objects)
let (gets, misses) = get(options, backend)
let wrong = failedPuts + misses
let total = options.count * options.valueByteCount
let hugePageShare = Double(memory.pool.report.hugePageByteCount) / Double(byteCount)
print("{\"put\": \(puts.json(byteCount: total)), \"get\": \(gets.json(byteCount: total)), ", terminator: "")
print("\"wrong\": \(wrong), \"huge_page_share\": \(hugePageShare)}")
for object in objects { object.release() }
backend.close()
memory.close()
