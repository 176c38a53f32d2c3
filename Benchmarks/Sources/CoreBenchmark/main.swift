// Measures the index, the allocator and the whole memory backend with one million keys, in process, on one
// thread.
//
// Run with: swift run -c release CoreBenchmark [rounds] [keys]
import Glibc
import RepriseCore

let roundCount = max(7, CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 7)
let keyCount = max(10_000, CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) } ?? 1_000_000)

/// Processor time of this thread: what others do on a shared machine counts only through its caches.
func threadNanoseconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// Runs `work` over `count` operations in each round; prints nanoseconds an operation and the bar.
func measure(_ name: String, count: Int, bar: Double?, _ work: (Int) throws -> Void) rethrows {
    var costs: [Double] = []
    for round in 0...roundCount {
        let start = threadNanoseconds()
        try work(round)
        // The first round warms up.
        if round > 0 { costs.append((threadNanoseconds() - start) / Double(count)) }
    }
    costs.sort()
    let label = name + String(repeating: " ", count: max(0, 44 - name.count))
    let figures = [costs[costs.count / 2], costs[0], costs[costs.count - 1]].map { Int($0.rounded()) }
    let verdict =
        bar.map { costs[costs.count / 2] <= $0 ? "  bar \(Int($0)): met" : "  bar \(Int($0)): MISSED" } ?? ""
    print("\(label) median \(figures[0])  min \(figures[1])  max \(figures[2])  ns\(verdict)")
}

/// Bytes of this process that are in memory and not shared: what the arena, a shared mapping, is not part of.
func privateResidentByteCount() -> Int {
    guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
    defer { unsafe fclose(file) }
    var (size, resident, shared) = (0, 0, 0)
    unsafe withUnsafeMutablePointer(to: &size) { size in
        unsafe withUnsafeMutablePointer(to: &resident) { resident in
            unsafe withUnsafeMutablePointer(to: &shared) { shared in
                _ = unsafe withVaList([size, resident, shared]) { unsafe vfscanf(file, "%ld %ld %ld", $0) }
            }
        }
    }
    return (resident - shared) * 4096
}

/// Keys as LMCache 0.5 writes them.
func makeKeys(_ numbers: some Sequence<Int>) -> [StorageKey] {
    numbers.map { number in
        let hash = String(UInt64(number) &* 0x9E37_79B9_7F4A_7C15, radix: 16)
        return StorageKey("meta-llama/Llama-3.1-8B-Instruct@1@0@\(hash)@bfloat16")
    }
}

func benchmarkAllocator() {
    var allocator = SegregatedFitAllocator(unitCount: UInt32(keyCount))
    // Half full of blocks of mixed sizes, in random order, so that there are holes of many classes.
    var generator = SystemRandomNumberGenerator()
    var blocks: [SegregatedFitAllocator.BlockID] = []
    while allocator.freeUnitCount > UInt32(keyCount / 4),
        let block = allocator.allocate(unitCount: UInt32.random(in: 1...64, using: &generator))
    {
        blocks.append(block)
    }
    blocks.shuffle(using: &generator)
    for block in blocks.prefix(blocks.count / 3) { allocator.free(block) }
    let sizes = (0..<1024).map { _ in UInt32.random(in: 1...64, using: &generator) }
    measure("allocate + free, mixed sizes, fragmented", count: keyCount, bar: 150) { _ in
        for index in 0..<keyCount {
            if let block = allocator.allocate(unitCount: sizes[index & 1023]) { allocator.free(block) }
        }
    }
    precondition(allocator.consistencyCheck() == nil, "the allocator is inconsistent")
}

/// Stores one value of one unit; its bytes are not touched.
func put(_ key: StorageKey, in backend: LocalCPUBackend, metadata: MemoryObjectMetadata) {
    switch backend.reserve(for: key, byteCount: 4096, metadata: metadata, whenRoomReturns: {}) {
    case .reserved(let reservation):
        let isCommitted = reservation.commit(key)
        precondition(isCommitted, "the value was not committed")
    default: preconditionFailure("no room for a value of one page")
    }
}

func run() throws {
    benchmarkAllocator()
    let pool = try MemoryPool(MemoryPool.Configuration(byteCount: keyCount * 4096))
    while !pool.isPopulated { usleep(10_000) }
    let backend = LocalCPUBackend(pool: pool)
    let metadata = MemoryObjectMetadata(shape: [2, 1, 16, 64], dtype: .bfloat16, format: .kv2LTD)
    var keys = makeKeys(0..<keyCount)
    let before = privateResidentByteCount()
    for key in keys { put(key, in: backend, metadata: metadata) }
    let after = privateResidentByteCount()
    let statistics = backend.statistics
    precondition(statistics.entryCount == keyCount && statistics.evictionCount == 0, "not every key fits")
    let perEntry = Double(after - before - statistics.keyByteCount) / Double(keyCount)
    print(
        "\(keyCount) keys; beside the keys' bytes: \(Int(perEntry.rounded())) bytes an entry, bar 200: "
            + (perEntry <= 200 ? "met" : "MISSED")
    )
    keys = makeKeys((0..<keyCount).shuffled())
    measure("contains, random order", count: keyCount, bar: 250) { _ in
        for key in keys { precondition(backend.contains(key), "a key is missing") }
    }
    measure("get + release, random order", count: keyCount, bar: nil) { _ in
        for key in keys { backend.getBlocking(key)?.release() }
    }
    let absent = makeKeys(keyCount..<(2 * keyCount))
    measure("contains, absent", count: keyCount, bar: nil) { _ in
        for key in absent { precondition(!backend.contains(key), "an absent key is there") }
    }
    // Each round stores keys that the round before has evicted.
    let rounds = [absent, keys]
    measure("put with eviction", count: keyCount, bar: 600) { round in
        for key in rounds[round % 2] { put(key, in: backend, metadata: metadata) }
    }
    precondition(backend.statistics.entryCount == keyCount, "the number of entries changed")
    precondition(pool.consistencyCheck() == nil, "the allocator is inconsistent")
}

try run()
