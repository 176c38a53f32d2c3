import RepriseCore
import RepriseHashing
import Testing

struct ChunkHasherTests {
    @Test(arguments: Golden.all)
    func `both widths of tokens make the published hashes`(golden: Golden) throws {
        let narrow = Array(0..<512 as Range<UInt32>)
        let wide = Array(0..<512 as Range<Int64>)
        for tokens in [TokenArray(narrow), TokenArray(wide)] {
            let chunks = try ChunkHashes(of: tokens, hasher: ChunkHasher(golden.algorithm))
            #expect(chunks.map(\.hash.text) == golden.hashes)
        }
        var narrowHasher = ChunkHasher(golden.algorithm)
        var wideHasher = ChunkHasher(golden.algorithm)
        for (index, text) in golden.hashes.enumerated() {
            let range = (256 * index)..<(256 * (index + 1))
            let wideHash = try wideHasher.next(wide.span.extracting(range))
            let narrowHash = narrowHasher.next(narrow.span.extracting(range))
            #expect(narrowHash.text == text)
            #expect(wideHash == narrowHash)
            #expect(narrowHasher.last == narrowHash)
        }
    }

    @Test func `a chunk that is not full makes the published hash`() throws {
        let tokens = Array(0..<10 as Range<Int64>)
        let hashes = try Self.hashes(.sha256Int64, [tokens])
        #expect(hashes == ["23c379d6c0f22ef64cdef873fd530df1f1419b4a3935e9323d5f1d82ca697b6a"])
    }

    @Test func `chains start from the published hashes`() throws {
        #expect(ChunkHasher(.sha256Int64).last == nil)
        #expect(ChunkHasher(.sha256UInt32).last == nil)
        #expect(try ChunkHasher(ChunkHashAlgorithm(name: "builtin")).last?.text == "0")
        #expect(ChunkHasher(.sha256CBOR(seed: "0")).last?.text == "4e1195df020de59e")
        #expect(ChunkHasher(.sha256CBOR(seed: "vllm-none-hash")).last?.text == "9bd96a485ad84efd")
        #expect(ChunkHasher(.builtin(pythonHashSeed: 0)).last == ChunkHash(Int64(5_313_149_338_359_954_478)))
        let blake3 = "7e3eff9ef7613a50340eb12677ee03b83ac759fcba9bb32705f07248d56d473b"
        #expect(ChunkHasher(.blake3).last?.text == blake3)
    }

    /// The hashes of one chain, each array of tokens being a chunk.
    static func hashes(_ algorithm: ChunkHashAlgorithm, _ chunks: [[Int64]]) throws -> [String] {
        var hasher = ChunkHasher(algorithm)
        return try chunks.map { try hasher.next($0.span).text }
    }

    @Test func `tokens of every width in CBOR hash as cbor2 writes them`() throws {
        let edges: [Int64] = [
            0, 23, 24, 255, 256, 65535, 65536, 0xFFFF_FFFF, 0x1_0000_0000, .max, -1, -24, -25, -256, -257,
            -65537,
            -0x1_0000_0001, .min,
        ]
        #expect(
            try Self.hashes(.sha256CBOR(noneHash: 0), [edges, []]) == [
                "b511f53ba8adc149", "cd6237d6253b8c0a",
            ]
        )
        #expect(try Self.hashes(.sha256CBOR(noneHash: .max), [Array(edges[..<5])]) == ["87fd00d1afd9100b"])
        let counts: [[Int64]] = [Array(0..<24), Array(0..<23), Array(0..<300)]
        #expect(
            try Self.hashes(.sha256CBOR(noneHash: 0), counts)
                == ["63ad7d875debe907", "5ce925ff1d523449", "f6dba81f39f6e91f"]
        )
    }

    @Test func `negative tokens hash as their bytes in the first chain`() throws {
        #expect(
            try Self.hashes(.sha256Int64, [[-1, .min], [1 << 40]]) == [
                "5aabb6724ea4e808478b7e406dbf2f00c0597cf3c7072a335d3634a2f85a7159",
                "8ac48c6807b14011fb2b25ed520fd6692583a5b9208ef143daa95e76c09d7343",
            ]
        )
    }

    @Test func `the highest token and short chunks hash as blake3 does`() throws {
        #expect(
            try Self.hashes(.blake3, [[0, Int64(UInt32.max)], [7]]) == [
                "d9c8af8be0ba544ea9986e5cae85610bc9e9f94ba8d0886ad7663fa2e9a2094f",
                "250e339a941ae006d5d5c5e64c5540e5b9b25404cf5aae0401d63004d24764f5",
            ]
        )
    }

    @Test(arguments: [Int64(-1), 1 << 32, .min, .max], [ChunkHashAlgorithm.sha256UInt32, .blake3])
    func `a token beyond 32 bits is refused and leaves the chain as it was`(
        token: Int64,
        algorithm: ChunkHashAlgorithm
    ) throws {
        var hasher = ChunkHasher(algorithm)
        let good = Array(0..<256 as Range<Int64>)
        _ = try hasher.next(good.span)
        let before = hasher.last
        let bad = [0, token, 1]
        let error = #expect(throws: HashingError.self) { try hasher.next(bad.span) }
        #expect(error?.code == .tokenOutOfRange)
        #expect(hasher.last == before)
        let late = #expect(throws: HashingError.self) {
            try ChunkHashes(of: TokenArray(good + bad), hasher: ChunkHasher(algorithm))
        }
        #expect(late?.code == .tokenOutOfRange)
    }

    @Test(arguments: Golden.all)
    func `a chain goes on from its last hash`(golden: Golden) throws {
        var hasher = try ChunkHasher(golden.algorithm, after: ChunkHash(text: golden.hashes[0]))
        let hash = hasher.next(Array(256..<512 as Range<UInt32>).span)
        #expect(hash.text == golden.hashes[1])
    }

    @Test(arguments: Golden.all)
    func `a chain does not go on from a hash of another kind`(golden: Golden) throws {
        let isDigest = golden.hashes[0].count == 64
        for text in [isDigest ? "7f" : Golden.all[0].hashes[0], "hash"] {
            let hash = try ChunkHash(text: text)
            let error = #expect(throws: HashingError.self) { try ChunkHasher(golden.algorithm, after: hash) }
            #expect(error?.code == .invalidPrefix)
        }
    }

    @Test(arguments: Golden.all)
    func `an algorithm is found by its name`(golden: Golden) throws {
        #expect(try ChunkHashAlgorithm(name: golden.algorithm.name).name == golden.algorithm.name)
    }

    @Test func `names and seeds give the algorithms LMCache has for them`() throws {
        #expect(try ChunkHashAlgorithm(name: "builtin") == .builtin(noneHash: 0))
        #expect(
            try ChunkHashAlgorithm(name: "builtin", seed: "0")
                == .builtin(noneHash: 5_313_149_338_359_954_478)
        )
        #expect(try ChunkHashAlgorithm(name: "sha256_cbor") == .sha256CBOR(seed: "vllm-none-hash"))
        #expect(try ChunkHashAlgorithm(name: "sha256_cbor_64bit", seed: "0") == .sha256CBOR(seed: "0"))
    }

    @Test(arguments: [("md5", nil), ("builtin", "random"), ("builtin", "4294967296"), ("", nil)])
    func `an unknown name or an impossible seed is refused`(name: String, seed: String?) {
        let error = #expect(throws: HashingError.self) { try ChunkHashAlgorithm(name: name, seed: seed) }
        #expect(error?.code == .invalidAlgorithm)
    }
}
