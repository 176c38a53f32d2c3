import RepriseCore
import RepriseDisk
import RepriseEngine
import RepriseHashing
import RepriseRemote
import RepriseTesting
import Testing

/// The chat trace through the engine's API: a small memory, a larger disk, and a store without limits.
@Suite(
    .serialized,
    .enabled(if: RedisProcess.isInstalled, "redis-server is not installed"),
    .enabled(if: ConversationTrace.shared != nil, Comment(rawValue: ConversationTrace.absenceReason))
)
struct TraceTests {
    private static let memoryBlockCount = 3000
    private static let diskBlockCount = 10_000
    /// Requests that are replayed: all of them take minutes in a debug build, so it is a part unless said.
    private static let requestCount =
        FileSystem.environmentVariable("REPRISE_TRACE_REQUESTS").flatMap(Int.init) ?? 1000
    private static let names = ["LocalCPUBackend", "LocalDiskBackend", "RemoteBackend"]

    /// One LRU of so many blocks: what a request finds is its longest prefix there, and then all of its
    /// blocks are used, the first as the last.
    private struct Model {
        private let capacity: Int
        private var lastUse: [UInt32: Int] = [:]
        private var blocks: [Int: UInt32] = [:]
        private var (oldest, now) = (0, 0)

        init(capacity: Int) { self.capacity = capacity }

        mutating func hits(_ request: [UInt32]) -> Int {
            let count = request.firstIndex { lastUse[$0] == nil } ?? request.count
            for block in request.reversed() {
                if let time = lastUse[block] { blocks[time] = nil }
                (lastUse[block], blocks[now]) = (now, block)
                now += 1
            }
            while blocks.count > capacity {
                if let block = blocks.removeValue(forKey: oldest) { lastUse[block] = nil }
                oldest += 1
            }
            return count
        }
    }

    /// A disk's size that has room for exactly so many records of one page each, and their headers.
    private func byteCount(ofDiskWith blockCount: Int) throws -> Int {
        let wanted = 2 * blockCount
        var (low, high) = (DiskLayout.byteCountMin, 1 << 32)
        while low < high {
            let middle = (low + high) / 2
            if Int(try DiskLayout(byteCount: middle).unitCount) < wanted {
                low = middle + 1
            } else {
                high = middle
            }
        }
        #expect(Int(try DiskLayout(byteCount: low).unitCount) == wanted)
        return low
    }

    private func engine(_ directory: String, _ redis: RedisProcess) throws -> CacheEngine<PagedHostMemory> {
        let arena = Self.memoryBlockCount * AllocationUnit.byteCount
        let memory = LocalCPUBackend(pool: try MemoryPool(MemoryPool.Configuration(byteCount: arena)))
        let size = try byteCount(ofDiskWith: Self.diskBlockCount)
        let disk = try LocalDiskBackend([DiskConfiguration(path: directory, byteCount: size)], memory: memory)
        let url = try RemoteURL(parsing: "redis://127.0.0.1:\(redis.port)")
        let remote = RemoteBackend(memory: memory, url: url)
        let tiers = zip(Self.names.dropFirst(), [disk, remote] as [any StorageBackend])
        let scope = try KeyScope(form: .current(dtype: .uint8), modelName: "m", worldSize: 1, workerID: 0)
        return CacheEngine(
            // A block of the trace stands for one token here: equal ids mean equal prefixes.
            tokens: try ChunkedTokenDatabase(scope: scope, algorithm: .sha256UInt32, chunkSize: 1),
            storage: StorageManager(
                memory: memory,
                slower: tiers.map { StorageTier(name: $0, backend: $1) }
            ),
            connector: PagedHostMemory(
                try PagedLayout(layerCount: 1, rowElementCount: 4, dtype: .uint8),
                slotCount: 1024
            )
        )
    }

    /// Waits until every backend has what it was given and nothing else holds it, so that the order of use is
    /// the requests': an entry's last release counts as a use.
    private func settle(_ storage: StorageManager, _ keys: [StorageKey]) {
        for key in keys {
            while storage.tiers.contains(where: { $0.backend.existsInPutTasks(key) }) {
                Thread.sleep(milliseconds: 1)
            }
            guard let object = storage.memory.getBlocking(key) else { continue }
            for _ in 0..<1000 where object.referenceCount > 2 { Thread.sleep(milliseconds: 1) }
            // The index has one, and this test another.
            #expect(object.referenceCount == 2)
            object.release()
        }
        for tier in storage.tiers { tier.backend.touch(keys[...]) }
    }

    @Test(.timeLimit(.minutes(30)))
    func `each part of the hierarchy hits as one LRU of its size, and all together as one without limits`()
        throws
    {
        let trace = try #require(ConversationTrace.shared)
        let (redis, directory) = (try RedisProcess(), try TemporaryDirectory())
        let engine = try engine(directory.path, redis)
        var models = [Self.memoryBlockCount, Self.diskBlockCount, .max].map(Model.init)
        var (expected, found) = ([0, 0, 0], [0, 0, 0])
        var blockCount = 0
        let requests = trace.requests.prefix(Self.requestCount)
        for request in requests {
            let counts = Threads.map(1) { _ in try? replay(request, engine) }[0]
            for (index, count) in try #require(counts).enumerated() { found[index] += count }
            for index in models.indices { expected[index] += models[index].hits(request) }
            blockCount += request.count
        }
        #expect(found == expected)
        let rates = expected.map { Double($0) / Double(blockCount) }
        #expect(rates[0] < rates[1] && rates[1] < rates[2], "the trace is too short to tell them apart")
        engine.close()
    }

    /// Stores and loads what a request wants; how much of it was in memory, in memory or on disk, and
    /// anywhere.
    private func replay(_ request: [UInt32], _ engine: CacheEngine<PagedHostMemory>) throws -> [Int] {
        let prompt = TokenArray(request)
        let slots = PagedPlacement.slots(Array(0..<request.count))
        let counts = try (1...3).map { count in
            try engine.lookup(prompt, in: Set(Self.names.prefix(count)))
        }
        let mask = try engine.retrieve(prompt, to: slots)
        #expect(mask.count { $0 } == counts[2])
        let report = try engine.store(prompt, at: slots)
        #expect(report.storedTokenCount == request.count - counts[2] && !report.hasRunOut)
        settle(engine.storage, try engine.tokens.processTokens(prompt).map(\.key.storageKey))
        return counts
    }
}
