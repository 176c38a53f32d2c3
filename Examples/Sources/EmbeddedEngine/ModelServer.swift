import RepriseCore
import RepriseDisk
import RepriseEngine
import RepriseHashing
import RepriseRemote

/// Serves prompts, one at a time: finds what is cached, computes the rest, and stores it.
final class ModelServer {
    /// Short, so that lines typed by hand are found again; LMCache's default is 256 tokens.
    static let chunkSize = 16
    static let slotCount = 4096
    static let memoryByteCount = 16 << 20
    static let diskByteCount = 256 << 20

    private let engine: CacheEngine<PagedHostMemory>
    private let model: Model
    private let loads: LoadCounter
    private var blocks = BlockAllocator(slotCount: ModelServer.slotCount)
    private var requestCount = 0
    private var tokenCount = 0
    private var foundTokenCount = 0
    /// Tokens that were found with other rows than would have been computed.
    private(set) var wrongTokenCount = 0

    /// Opens the engine: memory first, then the disk, then a store on other machines if there is one.
    init(directory: String, remote: String?) throws {
        let loads = LoadCounter()
        let tiers = try Self.tiers(directory, remote)
        let cache = PagedHostMemory(try Model.layout(), slotCount: Self.slotCount)
        self.loads = loads
        model = Model(cache: cache)
        engine = CacheEngine(
            tokens: try Self.tokenDatabase(),
            storage: StorageManager(memory: tiers.memory, slower: tiers.slower) { loads.count($0) },
            connector: cache
        )
    }

    private static func tiers(_ directory: String, _ remote: String?) throws
        -> (memory: LocalCPUBackend, slower: [StorageTier])
    {
        let url = try remote.map { try RemoteURL(parsing: $0) }
        let memory = LocalCPUBackend(
            pool: try MemoryPool(MemoryPool.Configuration(byteCount: memoryByteCount))
        )
        let disks = [DiskConfiguration(path: directory, byteCount: diskByteCount)]
        var slower = [StorageTier(name: "disk", backend: try LocalDiskBackend(disks, memory: memory))]
        if let url {
            slower.append(StorageTier(name: "remote", backend: RemoteBackend(memory: memory, url: url)))
        }
        return (memory, slower)
    }

    /// What another model has stored lies under other keys, and is not found.
    private static func tokenDatabase() throws -> ChunkedTokenDatabase {
        let form = KeyForm.current(dtype: Model.dtype)
        return try ChunkedTokenDatabase(
            scope: try KeyScope(form: form, modelName: "example", worldSize: 1, workerID: 0),
            algorithm: .sha256UInt32,
            chunkSize: chunkSize,
            savesUnfullChunk: false
        )
    }

    /// Serves one request, and says how in a line.
    func serve(_ prompt: [UInt32]) throws -> String {
        let table = try blocks.take(forTokens: prompt.count)
        defer { blocks.giveBack(table) }
        let slots = table.slots(prompt.count)
        for slot in slots { model.wipe(slot) }

        // A scheduler asks first, and keeps what it was told of from being evicted until the rows are there.
        requestCount += 1
        let (tokens, id) = (TokenArray(prompt), LookupID("request \(requestCount)"))
        defer { engine.storage.unpin(id) }
        _ = try engine.lookup(tokens, pinningAs: id)
        let found = try engine.retrieve(tokens, to: .blocks(table)).prefix { $0 }.count

        let states = Model.states(of: prompt)
        let wrong = (0..<found).count { !model.isComputed(states[$0], in: slots[$0]) }
        for token in found..<prompt.count { model.compute(states[token], into: slots[token]) }
        let report = try engine.store(tokens, skippingFirst: found, at: .blocks(table))

        tokenCount += prompt.count
        foundTokenCount += found
        wrongTokenCount += wrong
        return "request \(requestCount): \(prompt.count) tokens, \(found) found\(placesText()), "
            + "\(prompt.count - found) computed, \(report.storedTokenCount) stored"
            + (wrong == 0 ? "" : ", \(wrong) WRONG")
    }

    /// Where the tokens of the last retrieval were.
    private func placesText() -> String {
        let places = loads.take().map { "\($1 * Self.chunkSize) from \($0)" }
        return places.isEmpty ? "" : " (\(places.joined(separator: ", ")))"
    }

    /// What all requests came to.
    var summary: String {
        "\(requestCount) requests: \(foundTokenCount) of \(tokenCount) tokens found, "
            + "\(tokenCount - foundTokenCount) computed, \(wrongTokenCount) wrong"
    }

    /// Writes what is on its way to disk and store, and closes them.
    func close() { engine.close() }
}
