// Measures copying a chunk of 256 tokens between a paged cache and an object, beside memcpy of as many
// bytes, in process, on one thread.
//
// Run with: swift run -c release PagedBenchmark [rounds]
import Glibc
import RepriseCore
import RepriseEngine

let roundCount = max(5, CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 31)
let tokenCount = 256
let chunkCount = 16

/// Processor time of this thread.
func threadNanoseconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// Runs `work` in each round for each chunk; prints the median, slowest and fastest round.
func measure(_ name: String, byteCount: Int, _ work: (Int) throws -> Void) rethrows {
    var rates: [Double] = []
    for round in 0...roundCount {
        let start = threadNanoseconds()
        for chunk in 0..<chunkCount { try work(chunk) }
        // The first round warms up.
        if round > 0 { rates.append(Double(byteCount * chunkCount) / (threadNanoseconds() - start)) }
    }
    rates.sort()
    let label = name + String(repeating: " ", count: max(0, 52 - name.count))
    let figures = [rates[rates.count / 2], rates[0], rates[rates.count - 1]].map {
        (($0 * 100).rounded() / 100).description
    }
    print("\(label) median \(figures[0])  min \(figures[1])  max \(figures[2])  GB/s")
}

/// Numbers in an order that does not follow.
func scattered(_ count: Int) -> [Int] {
    var state: UInt64 = 1
    var numbers = Array(0..<count)
    for index in stride(from: count - 1, to: 0, by: -1) {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        numbers.swapAt(index, Int(state >> 33) % (index + 1))
    }
    return numbers
}

func run(_ name: String, _ layout: PagedLayout, _ placement: PagedPlacement, _ pool: MemoryPool) throws {
    let cache = PagedHostMemory(layout, slotCount: tokenCount * chunkCount * 2)
    let object = try pool.allocate(cache.metadata(tokenCount: tokenCount))
    defer { object.release() }
    let range = { (chunk: Int) in chunk * tokenCount..<(chunk + 1) * tokenCount }
    try measure("\(name): gather", byteCount: object.byteCount) {
        try cache.gather(range($0), of: placement, into: object)
    }
    try measure("\(name): scatter", byteCount: object.byteCount) {
        try cache.scatter(object, to: range($0), of: placement)
    }
    guard layout.format == .kv2LTD else { return }
    let layer = try pool.allocate(cache.layerMetadata(tokenCount: tokenCount))
    defer { layer.release() }
    try measure("\(name), a layer as \(layout.layerFormat): gather", byteCount: layer.byteCount) {
        try cache.gather(range($0), layer: 3, of: placement, into: layer)
    }
}

/// As many bytes from places as far apart into one object.
func runPlain(_ name: String, byteCount: Int, _ pool: MemoryPool) throws {
    let source = UnsafeMutableRawPointer.allocate(byteCount: byteCount * chunkCount, alignment: 4096)
    defer { unsafe source.deallocate() }
    unsafe memset(source, 1, byteCount * chunkCount)
    let metadata = MemoryObjectMetadata(shape: [byteCount], dtype: .uint8, format: .binary)
    let object = try pool.allocate(metadata)
    defer { object.release() }
    measure("\(name): memcpy", byteCount: byteCount) { chunk in
        guard let target = unsafe object.mutableBytes.baseAddress else { return }
        unsafe memcpy(target, source + chunk * byteCount, byteCount)
    }
}

let pool = try MemoryPool(MemoryPool.Configuration(byteCount: 256 << 20))
let slotCount = tokenCount * chunkCount
let pages = scattered(2 * slotCount / 16).prefix(slotCount / 16)
let table = PagedPlacement.blocks(BlockTable(blockSize: 16, blocks: Array(pages)))
let mapping = PagedPlacement.slots(pages.flatMap { page in (0..<16).map { page * 16 + $0 } })
let rows = PagedPlacement.slots(Array(scattered(2 * slotCount).prefix(slotCount)))
let llama = try PagedLayout(layerCount: 32, rowElementCount: 1024, dtype: .bfloat16)
let planes = try PagedLayout(layerFormat: .kv2TD, layerCount: 32, rowElementCount: 1024, dtype: .bfloat16)
let latent = try PagedLayout(format: .kvMLA, layerCount: 61, rowElementCount: 576, dtype: .bfloat16)

try runPlain("32 MiB", byteCount: 32 << 20, pool)
try run("[2,32,256,1024], blocks of 16", llama, table, pool)
try run("[2,32,256,1024], slot mapping, pages of 16", planes, mapping, pool)
try run("[2,32,256,1024], slot mapping, no neighbours", llama, rows, pool)
try runPlain("18 MB", byteCount: 61 * 256 * 576 * 2, pool)
try run("[1,61,256,576], blocks of 16", latent, table, pool)
