import RepriseCore
import RepriseHashing
import Testing

/// K19 to K23 are the numbers of the cases derived from LMCache's own tests of its token database.
struct ChunkedTokenDatabaseTests {
    static let algorithms: [ChunkHashAlgorithm] = [
        .sha256Int64, .sha256UInt32, .builtin(noneHash: 0), .sha256CBOR(seed: "0"), .blake3,
    ]

    static func database(
        _ algorithm: ChunkHashAlgorithm,
        chunkSize: Int = 256,
        savesUnfullChunk: Bool? = nil
    ) throws -> ChunkedTokenDatabase {
        let scope = try KeyScope(
            form: .current(dtype: .bfloat16),
            modelName: "test_model",
            worldSize: 1,
            workerID: 0
        )
        return try ChunkedTokenDatabase(
            scope: scope,
            algorithm: algorithm,
            chunkSize: chunkSize,
            savesUnfullChunk: savesUnfullChunk
        )
    }

    /// Tokens that repeat only after 65,521.
    static func prompt(_ count: Int) -> [UInt32] {
        (0..<UInt32(count)).map { $0 &* 7919 % 65521 }
    }

    @Test(arguments: [16, 64, 256], algorithms)
    func `K19 chunks tile the prompt in order`(chunkSize: Int, algorithm: ChunkHashAlgorithm) throws {
        let database = try Self.database(algorithm, chunkSize: chunkSize, savesUnfullChunk: true)
        let chunks = try Array(database.processTokens(TokenArray(Self.prompt(2500))))
        #expect(chunks.first?.range.lowerBound == 0)
        #expect(chunks.last?.range.upperBound == 2500)
        for (chunk, next) in zip(chunks, chunks.dropFirst()) {
            #expect(chunk.range.count == chunkSize)
            #expect(chunk.range.upperBound == next.range.lowerBound)
        }
        #expect(Set(chunks.map(\.key)).count == (2500 + chunkSize - 1) / chunkSize)
    }

    @Test(arguments: [0, 256, 512, 2304, 2560], algorithms)
    func `K20 a mask leaves out chunks and changes no key`(falseCount: Int, algorithm: ChunkHashAlgorithm)
        throws
    {
        let database = try Self.database(algorithm, savesUnfullChunk: true)
        let tokens = TokenArray(Self.prompt(2560))
        let all = try Array(database.processTokens(tokens))
        let mask = (0..<2560).map { $0 >= falseCount }
        let masked = try Array(database.processTokens(tokens, mask: mask))
        #expect(masked == Array(all.dropFirst(falseCount / 256)))
        #expect(masked.first?.range.lowerBound ?? 2560 == falseCount)
        #expect(try Array(database.processTokens(tokens, skippingFirst: falseCount)) == masked)
    }

    @Test(arguments: [1, 255, 257, 300])
    func `K21 a mask that cuts a chunk is refused`(falseCount: Int) throws {
        let database = try Self.database(.builtin(noneHash: 0))
        let tokens = TokenArray(Self.prompt(300))
        let mask = (0..<300).map { $0 >= falseCount }
        let counted = #expect(throws: HashingError.self) {
            try database.processTokens(tokens, skippingFirst: falseCount)
        }
        let masked = #expect(throws: HashingError.self) { try database.processTokens(tokens, mask: mask) }
        #expect(counted?.code == .misalignedMask)
        #expect(masked?.code == .misalignedMask)
    }

    static let badMasks: [[Bool]] = [
        [], [true], [Bool](repeating: true, count: 513), [true, false] + [Bool](repeating: true, count: 510),
        [Bool](repeating: false, count: 256) + [Bool](repeating: true, count: 255) + [false],
    ]

    @Test(arguments: badMasks)
    func `a mask of another length or form is refused`(mask: [Bool]) throws {
        let database = try Self.database(.builtin(noneHash: 0))
        let tokens = TokenArray(Self.prompt(512))
        let error = #expect(throws: HashingError.self) { try database.processTokens(tokens, mask: mask) }
        #expect(error?.code == .invalidMask)
    }

    @Test(arguments: [-256, 768, Int.min, Int.max])
    func `a mask beyond the prompt is refused`(falseCount: Int) throws {
        let database = try Self.database(.builtin(noneHash: 0))
        let tokens = TokenArray(Self.prompt(512))
        let error = #expect(throws: HashingError.self) {
            try database.processTokens(tokens, skippingFirst: falseCount)
        }
        #expect(error?.code == .invalidMask)
    }

    @Test(arguments: algorithms, [0, 255, 256, 700, 1023])
    func `K22 a token changes its chunk's key and all later ones`(
        algorithm: ChunkHashAlgorithm,
        place: Int
    ) throws {
        let database = try Self.database(algorithm)
        var tokens = Self.prompt(1024)
        let before = try database.processTokens(TokenArray(tokens)).map(\.key)
        #expect(try database.processTokens(TokenArray(tokens)).map(\.key) == before)
        tokens[place] += 1
        let after = try database.processTokens(TokenArray(tokens)).map(\.key)
        for index in 0..<4 {
            #expect((before[index] == after[index]) == (index < place / 256))
        }
    }

    @Test(arguments: algorithms)
    func `K23 the tail is dropped where unfull chunks are not saved`(algorithm: ChunkHashAlgorithm) throws {
        let tokens = TokenArray(Self.prompt(300))
        let dropping = try Array(Self.database(algorithm, savesUnfullChunk: false).processTokens(tokens))
        let saving = try Array(Self.database(algorithm, savesUnfullChunk: true).processTokens(tokens))
        #expect(dropping.map(\.range) == [0..<256])
        #expect(saving.map(\.range) == [0..<256, 256..<300])
        #expect(saving.first == dropping.first)
    }

    @Test(arguments: algorithms)
    func `K23 both widths of tokens give the same keys`(algorithm: ChunkHashAlgorithm) throws {
        let database = try Self.database(algorithm, savesUnfullChunk: true)
        let tokens = Self.prompt(1000)
        let narrow = try Array(database.processTokens(TokenArray(tokens)))
        #expect(try Array(database.processTokens(TokenArray(tokens.map { Int64($0) }))) == narrow)
    }

    @Test(arguments: [ChunkHashAlgorithm.builtin(noneHash: -7), .sha256CBOR(seed: "0"), .blake3])
    func `K23 a chain that names its first hash is the chain that does not`(
        algorithm: ChunkHashAlgorithm
    ) throws {
        var unnamed = ChunkHasher(algorithm)
        var named = try ChunkHasher(algorithm, after: #require(unnamed.last))
        let tokens = Self.prompt(256)
        let hash = named.next(tokens.span)
        #expect(hash == unnamed.next(tokens.span))
    }

    @Test func `the first chains save unfull chunks and the newer ones do not`() throws {
        let saving = try Self.algorithms.map { try Self.database($0).savesUnfullChunk }
        #expect(saving == [true, true, false, false, false])
    }

    @Test func `keys carry scope and hash`() throws {
        let database = try Self.database(.builtin(noneHash: 0))
        let keys = try database.processTokens(TokenArray(Array(0..<512 as Range<UInt32>))).map(\.key)
        #expect(keys.map(\.scope) == [database.scope, database.scope])
        #expect(
            keys.map(\.text) == [
                "test_model@1@0@2b763dd00afa89c8@bfloat16", "test_model@1@0@79e62c807b48385b@bfloat16",
            ]
        )
        #expect(try keys.map { try CacheEngineKey(parsing: $0.text) } == keys)
    }

    @Test func `no tokens have no chunks`() throws {
        let database = try Self.database(.sha256Int64)
        #expect(try Array(database.processTokens(TokenArray([UInt32]()))).isEmpty)
        #expect(try Array(database.processTokens(TokenArray([Int64]()), mask: [])).isEmpty)
    }

    @Test func `a result can be walked again and left early`() throws {
        let chunks = try Self.database(.blake3).processTokens(TokenArray(Self.prompt(1024)))
        let first = Array(chunks)
        #expect(Array(chunks.prefix(2)) == Array(first.prefix(2)))
        var iterator = chunks.makeIterator()
        for chunk in first {
            #expect(iterator.next() == chunk)
        }
        #expect(iterator.next() == nil)
        #expect(iterator.next() == nil)
    }

    @Test(arguments: [0, -1, Int.min, ChunkHashes.chunkSizeMax + 1, Int.max])
    func `a chunk size out of range is refused`(chunkSize: Int) {
        let error = #expect(throws: HashingError.self) { try Self.database(.blake3, chunkSize: chunkSize) }
        #expect(error?.code == .invalidChunkSize)
    }
}
