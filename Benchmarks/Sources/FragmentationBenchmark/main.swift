// Measures how well a small arena is used when values have mixed sizes and eviction order is scrambled.
//
// Values from 256 KiB to 32 MiB, keys drawn by Zipf's law: a miss stores the value. Beside it runs an LRU of
// the same capacity without fragmentation, and the byte hit rates are compared.
//
// Run with: swift run -c release FragmentationBenchmark [requests] [arena GiB] [seed]
import Glibc
import RepriseCore
import RepriseTesting

let arguments = CommandLine.arguments.dropFirst().map { Int($0) ?? 0 }
let requestCount = arguments.first ?? 200_000
let arenaByteCount = (arguments.dropFirst().first ?? 4) << 30
let seed = UInt64(arguments.dropFirst(2).first ?? 1)

/// Draws ranks from 0 up with probability in proportion to 1 / (rank + 1).
struct ZipfDistribution {
    private let cumulative: [Double]

    init(count: Int) {
        var sum = 0.0
        cumulative = (1...count).map { rank in
            sum += 1 / Double(rank)
            return sum
        }
    }

    func draw(_ generator: inout SeededGenerator) -> Int {
        let wanted = Double.random(in: 0..<(cumulative.last ?? 1), using: &generator)
        var (low, high) = (0, cumulative.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if cumulative[middle] > wanted { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// An LRU that needs no contiguous room.
struct IdealCache {
    private let evictor = LRUEvictor()
    private var slots: [Int: EntrySlot] = [:]
    private var keys: [Int] = []
    private var byteCounts: [Int] = []
    private(set) var inUseByteCount = 0

    mutating func hit(_ key: Int) -> Bool {
        guard let slot = slots[key] else { return false }
        evictor.recordHit(slot)
        return true
    }

    mutating func store(_ key: Int, byteCount: Int, capacity: Int) {
        let plan = evictor.planPut(
            byteCount: byteCount,
            capacityByteCount: capacity,
            inUseByteCount: inUseByteCount,
            byteCountOf: { byteCounts[Int($0)] }
        )
        for victim in plan.victims {
            evictor.remove(victim)
            slots[keys[Int(victim)]] = nil
            inUseByteCount -= byteCounts[Int(victim)]
        }
        let slot = EntrySlot(keys.count)
        keys.append(key)
        byteCounts.append(byteCount)
        slots[key] = slot
        evictor.insert(slot)
        inUseByteCount += byteCount
    }
}

/// Sizes from 256 KiB to 32 MiB, each doubling equally likely, in whole pages.
func byteCount(ofKey key: Int) -> Int {
    var generator = SeededGenerator(seed: UInt64(key) &* 7919 &+ seed)
    let exponent = Double.random(in: 18...25, using: &generator)
    return Int(exp2(exponent)) / 4096 * 4096
}

func run() throws {
    let pool = try MemoryPool(MemoryPool.Configuration(byteCount: arenaByteCount))
    while !pool.isPopulated { usleep(10_000) }
    let backend = LocalCPUBackend(pool: pool)
    let keyCount = 4000
    let zipf = ZipfDistribution(count: keyCount)
    var generator = SeededGenerator(seed: seed)
    let keys = (0..<keyCount).map { StorageKey("fragmentation@1@0@\($0)@bfloat16") }
    let sizes = (0..<keyCount).map { byteCount(ofKey: $0) }
    let sizeMax = sizes.max() ?? 0
    var ideal = IdealCache()
    var (bytes, hitBytes, idealHitBytes) = (0, 0, 0)
    var occupancies: [Double] = []
    var worstExcess = Int.min
    var evictedBefore: UInt64 = 0
    for _ in 0..<requestCount {
        let key = zipf.draw(&generator)
        bytes += sizes[key]
        if ideal.hit(key) {
            idealHitBytes += sizes[key]
        } else {
            ideal.store(key, byteCount: sizes[key], capacity: arenaByteCount)
        }
        if let object = backend.getBlocking(keys[key]) {
            hitBytes += sizes[key]
            object.release()
            continue
        }
        let metadata = MemoryObjectMetadata.plain(byteCount: sizes[key])
        switch backend.reserve(byteCount: sizes[key], metadata: metadata, whenRoomReturns: {}) {
        case .reserved(let reservation):
            let isCommitted = reservation.commit(keys[key])
            precondition(isCommitted, "the value was not committed")
        default: preconditionFailure("no room for a value")
        }
        let evicted = backend.statistics.evictedByteCount
        if evicted > 0 { occupancies.append(Double(pool.usedByteCount) / Double(arenaByteCount)) }
        worstExcess = max(worstExcess, Int(evicted - evictedBefore) - sizes[key])
        evictedBefore = evicted
    }
    precondition(pool.consistencyCheck() == nil, "the allocator is inconsistent")
    let mean = occupancies.reduce(0, +) / Double(max(1, occupancies.count))
    let least = occupancies.min() ?? 0
    let rate = Double(hitBytes) / Double(bytes)
    let idealRate = Double(idealHitBytes) / Double(bytes)
    func line(_ name: String, _ value: String, _ bar: String, _ isMet: Bool) {
        print(
            name + String(repeating: " ", count: max(0, 46 - name.count)) + value + "  bar \(bar): "
                + (isMet ? "met" : "MISSED")
        )
    }
    func text(_ value: Double) -> String { "\((value * 10_000).rounded() / 10_000)" }
    print(
        "\(requestCount) requests, \(occupancies.count) puts with evictions, \(keyCount) keys, seed \(seed)"
    )
    line("occupancy after a put, mean", text(mean), "0.93", mean >= 0.93)
    line("occupancy after a put, minimum", text(least), "0.85", least >= 0.85)
    line(
        "most evicted by one put beyond its size",
        "\(worstExcess >> 10) KiB",
        "two entries (\(2 * sizeMax >> 10) KiB)",
        worstExcess <= 2 * sizeMax
    )
    line("byte hit rate (ideal LRU: \(text(idealRate)))", text(rate), "within 0.02", rate >= idealRate - 0.02)
}

try run()
