import RepriseCore
import Testing

/// Key texts that are cut, joined and damaged at random: each is refused with a `KeyError` or survives
/// exactly.
struct KeysRandomTests {
    /// A generator that repeats itself for the same seed (splitmix64).
    struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
            return word ^ word >> 31
        }
    }

    static let pieces = [
        "@", "@", "@", "%", "vllm", "m", "1", "0", "-", "00", "ff", "half", "bfloat16", "a%b", "é", "\u{301}",
        " ",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "\0",
        "bbd330b12e8159e117376ef24fa106413bc9fc18032a0d43e95c5dae5e47953f",
    ]

    static func check(_ bytes: [UInt8]) {
        for version in [nil, .legacy, .current] as [KeyForm.Version?] {
            guard let key = try? CacheEngineKey(parsing: StorageKey(bytes), as: version) else { continue }
            #expect(key.textBytes == bytes)
            #expect((try? CacheEngineKey(parsing: key.text, as: key.form.version)) == key)
            let rebuilt = try? CacheEngineKey(
                scope: key.scope,
                chunkHash: key.chunkHash,
                layerID: key.layerID
            )
            #expect(rebuilt == key)
        }
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `joined pieces parse exactly or not at all`(seed: UInt64) {
        var generator = Generator(state: seed)
        for _ in 0..<400 {
            let count = Int.random(in: 0...14, using: &generator)
            let text = (0..<count).map { _ in Self.pieces.randomElement(using: &generator) ?? "" }.joined()
            Self.check(Array(text.utf8))
        }
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `damaged keys parse exactly or not at all`(seed: UInt64) {
        var generator = Generator(state: seed)
        let originals = [
            "vllm@mistralai/Mistral-7B-Instruct-v0.2@1@0@\(KeysCacheEngineKeyTests.digestText)",
            "vllm@m@1@0@\(KeysCacheEngineKeyTests.digestText)@31",
            "test_model@3@123@-ded@bfloat16@4@user%a@team%b",
        ]
        for round in 0..<400 {
            var bytes = Array(originals[round % originals.count].utf8)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(UInt8(ascii: "@"), at: place)
                default: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                }
            }
            Self.check(bytes)
        }
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `random fields survive being written and read`(seed: UInt64) throws {
        var generator = Generator(state: seed)
        for _ in 0..<200 {
            let model = (0...3).map { _ in Self.pieces.randomElement(using: &generator) ?? "" }.joined()
            let form: KeyForm =
                Bool.random(using: &generator)
                ? .legacy(engine: "vllm")
                : .current(dtype: DType.allCases.randomElement(using: &generator) ?? .bool)
            let scope = try KeyScope(
                form: form,
                modelName: model,
                worldSize: Int(truncatingIfNeeded: generator.next()),
                workerID: Int(truncatingIfNeeded: generator.next())
            )
            let hash = ChunkHash(
                ChunkDigest(
                    bigEndianWords: generator.next(),
                    generator.next(),
                    generator.next(),
                    generator.next()
                )
            )
            let layerID = Bool.random(using: &generator) ? Int.random(in: 0...99, using: &generator) : nil
            let key = try CacheEngineKey(scope: scope, chunkHash: hash, layerID: layerID)
            #expect(try CacheEngineKey(parsing: key.text, as: form.version) == key)
            #expect(try CacheEngineKey(parsing: key.storageKey) == key)
        }
    }
}
