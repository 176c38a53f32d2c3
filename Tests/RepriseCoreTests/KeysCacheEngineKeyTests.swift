import RepriseCore
import Testing

struct KeysCacheEngineKeyTests {
    static let digestText = "bbd330b12e8159e117376ef24fa106413bc9fc18032a0d43e95c5dae5e47953f"

    static func scope(_ model: String = "m", tags: [KeyTag] = []) throws -> KeyScope {
        try KeyScope(
            form: .current(dtype: .bfloat16),
            modelName: model,
            worldSize: 3,
            workerID: 123,
            tags: tags
        )
    }

    static func legacyScope(_ model: String = "m") throws -> KeyScope {
        try KeyScope(form: .legacy(engine: "vllm"), modelName: model, worldSize: 3, workerID: 123)
    }

    @Test func `a legacy key is written as the first versions write it`() throws {
        let hash = try ChunkHash(text: "hash")
        let key = try CacheEngineKey(scope: Self.legacyScope("test_model"), chunkHash: hash)
        #expect(key.text == "vllm@test_model@3@123@hash")
        #expect(key.storageKey == "vllm@test_model@3@123@hash")
        #expect(try key.layer(7).text == "vllm@test_model@3@123@hash@7")
    }

    @Test func `a current key is written as 0_5_6 writes it`() throws {
        let tags = [try KeyTag(name: "user", value: "a%b"), try KeyTag(name: "", value: "")]
        let key = try CacheEngineKey(
            scope: Self.scope("test_model", tags: tags),
            chunkHash: ChunkHash(UInt64(0xded))
        )
        #expect(key.text == "test_model@3@123@ded@bfloat16@user%a%b@%")
        #expect(try key.layer(0).text == "test_model@3@123@ded@bfloat16@0@user%a%b@%")
        #expect(key.description == key.text)
    }

    @Test(
        arguments: [
            "vllm@mistralai/Mistral-7B-Instruct-v0.2@1@0@\(digestText)",
            "vllm@test_model@3@123@hash",
            "vllm@org@name@1@2@3@8@0@\(digestText)@31",
            "vllm@m@8@0@12345",
            "vllm@@@1@0@f",
            "sglang@m%x@-1@-1@-ff@0",
        ])
    func `a legacy text survives parsing`(text: String) throws {
        let key = try CacheEngineKey(parsing: text, as: .legacy)
        #expect(key.text == text)
        #expect(try CacheEngineKey(parsing: text) == key)
    }

    @Test(
        arguments: [
            "test_model@3@123@ded@bfloat16",
            "org@name@v2@3@123@-ded@half",
            "m@1@0@\(digestText)@fp8_e4m3fn@12",
            "m@1@0@8000000000000000@float@0@a%b@c%",
            "m@1@0@ff@half@1@0@ee@double@%",
            "100%@1@0@0@uint8@%%",
            "m@1@0@0ff@int64",
        ])
    func `a current text survives parsing`(text: String) throws {
        let key = try CacheEngineKey(parsing: text, as: .current)
        #expect(key.text == text)
        #expect(try CacheEngineKey(parsing: StorageKey(text)) == key)
    }

    @Test func `the fields come back from a current text`() throws {
        let key = try CacheEngineKey(parsing: "a@b@2@1@-1f@float@4@t%v@w%x%y")
        #expect(key.form == .current(dtype: .float32))
        #expect(key.modelName == "a@b")
        #expect(key.worldSize == 2)
        #expect(key.workerID == 1)
        #expect(key.chunkHash == ChunkHash(Int64(-31)))
        #expect(key.layerID == 4)
        #expect(key.tags == [try KeyTag(name: "t", value: "v"), try KeyTag(name: "w", value: "x%y")])
    }

    @Test func `the fields come back from a legacy text`() throws {
        let key = try CacheEngineKey(parsing: "vllm@a@b@2@1@\(Self.digestText)@4")
        #expect(key.form == .legacy(engine: "vllm"))
        #expect(key.modelName == "a@b")
        #expect(key.worldSize == 2)
        #expect(key.workerID == 1)
        #expect(key.chunkHash.text == Self.digestText)
        #expect(key.layerID == 4)
    }

    @Test func `a version that is given decides what an ambiguous text means`() throws {
        let text = "vllm@7@1@0@half"
        #expect(try CacheEngineKey(parsing: text).form == .current(dtype: .float16))
        #expect(try CacheEngineKey(parsing: text, as: .legacy).modelName == "7")
    }

    @Test(
        arguments: [
            ("", KeyError.Code.malformed), ("m@1@0@ff", .malformed), ("1@0@ff@half", .malformed),
            ("m@1@0@ff@long", .invalidDType), ("m@1@0@ff@half@01", .invalidDType),
            ("m@1@0@ff@", .invalidDType),
            ("m@1@0@FF@half", .invalidHash), ("m@1@0@@half", .invalidHash), ("m@1@0@-@half", .invalidHash),
            ("m@01@0@ff@half", .invalidNumber), ("m@1@+0@ff@half", .invalidNumber),
            ("m@1@-0@ff@half", .invalidNumber), ("m@1@9223372036854775808@ff@half", .invalidNumber),
            ("m@1@0@ff@half@-1", .invalidLayer), ("@1@0@ff@half", .invalidName),
        ])
    func `a broken current text is refused with its reason`(text: String, code: KeyError.Code) {
        let error = #expect(throws: KeyError.self) { try CacheEngineKey(parsing: text, as: .current) }
        #expect(error?.code == code)
    }

    @Test(
        arguments: [
            ("", KeyError.Code.malformed), ("vllm@m@1@0", .malformed), ("vllm@m@1@0@", .invalidHash),
            ("vllm@m@1@0@a b", .invalidHash), ("vllm@m@1@0@ff@x", .invalidLayer),
            ("vllm@m@x@0@ff", .invalidNumber),
            ("@m@1@0@ff", .invalidName), ("vllm@@1@0@ff", .invalidName), ("vllm@m@1@0@ff@-1", .invalidLayer),
            ("vllm@m@1@0@é", .invalidHash),
        ])
    func `a broken legacy text is refused with its reason`(text: String, code: KeyError.Code) {
        let error = #expect(throws: KeyError.self) { try CacheEngineKey(parsing: text, as: .legacy) }
        #expect(error?.code == code)
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        let key = StorageKey(Array("vllm@m".utf8) + [0xFF] + Array("@1@0@ff".utf8))
        let error = #expect(throws: KeyError.self) { try CacheEngineKey(parsing: key) }
        #expect(error?.code == .notUTF8)
    }

    @Test func `a separator followed by a combining mark still separates`() throws {
        let text = "vllm@\u{301}m@1@0@ff"
        let key = try CacheEngineKey(parsing: text)
        #expect(key.modelName == "\u{301}m")
        #expect(key.text.utf8.elementsEqual(text.utf8))
    }

    @Test func `models that only look the same have different keys`() throws {
        let composed = try Self.scope("caf\u{E9}")
        let decomposed = try Self.scope("cafe\u{301}")
        #expect(composed != decomposed)
        let tag = try KeyTag(name: "caf\u{E9}", value: "")
        #expect(try tag != KeyTag(name: "cafe\u{301}", value: ""))
    }

    @Test func `each field takes part in equality`() throws {
        let texts = [
            "m@1@0@ff@half", "n@1@0@ff@half", "m@2@0@ff@half", "m@1@1@ff@half", "m@1@0@fe@half",
            "m@1@0@ff@float",
            "m@1@0@ff@half@0", "m@1@0@ff@half@1", "m@1@0@ff@half@a%b", "m@1@0@ff@half@a%b@c%d",
            "m@1@0@ff@half@c%d@a%b", "m@1@0@ff@half@a%c", "m@1@0@-ff@half", "m@1@0@0ff@half", "m@m@1@0@ff",
            "vllm@m@1@0@ff",
        ]
        let keys = try Set(texts.map { try CacheEngineKey(parsing: $0) })
        #expect(keys.count == texts.count)
        #expect(try keys == Set(texts.map { try CacheEngineKey(parsing: $0) }))
    }

    @Test func `a key longer than a wire carries is still written and read`() throws {
        let model = String(repeating: "long/", count: 60)
        let key = try CacheEngineKey(scope: Self.scope(model), chunkHash: ChunkHash(text: Self.digestText))
        #expect(key.textBytes.count > 150)
        #expect(try CacheEngineKey(parsing: key.text) == key)
    }

    @Test func `splitting gives a key per layer from 0 on`() throws {
        let key = try CacheEngineKey(scope: Self.scope(), chunkHash: ChunkHash(Int64(255)))
        let layers = try key.splitLayers(3)
        #expect(
            layers.map(\.text) == ["m@3@123@ff@bfloat16@0", "m@3@123@ff@bfloat16@1", "m@3@123@ff@bfloat16@2"]
        )
        #expect(layers.allSatisfy { $0.withoutLayer == key })
        #expect(try key.splitLayers(0).isEmpty)
    }

    @Test func `a negative number of layers traps`() async {
        await #expect(processExitsWith: .failure) {
            let scope = try KeyScope(form: .current(dtype: .int8), modelName: "m", worldSize: 1, workerID: 0)
            _ = try CacheEngineKey(scope: scope, chunkHash: ChunkHash(Int64(1))).splitLayers(-1)
        }
    }

    @Test func `fields that could not be read back are refused`() throws {
        func code(_ body: () throws -> Void) -> KeyError.Code? {
            #expect(throws: KeyError.self, performing: body)?.code
        }
        let decimal = try ChunkHash(text: "123")
        #expect(code { _ = try KeyTag(name: "a%", value: "") } == .invalidTag)
        #expect(code { _ = try KeyTag(name: "a@", value: "") } == .invalidTag)
        #expect(code { _ = try KeyTag(name: "a", value: "@") } == .invalidTag)
        #expect(code { _ = try Self.scope("") } == .invalidName)
        #expect(
            code { _ = try CacheEngineKey(scope: Self.legacyScope(), chunkHash: decimal, layerID: 1) }
                == .invalidLayer
        )
        #expect(
            code { _ = try CacheEngineKey(scope: Self.scope(), chunkHash: ChunkHash(text: "xyz")) }
                == .invalidHash
        )
        #expect(
            code { _ = try CacheEngineKey(scope: Self.scope(), chunkHash: decimal, layerID: -1) }
                == .invalidLayer
        )
        let tag = try KeyTag(name: "a", value: "b")
        #expect(
            code {
                _ = try KeyScope(
                    form: .legacy(engine: "vllm"),
                    modelName: "m",
                    worldSize: 1,
                    workerID: 0,
                    tags: [tag]
                )
            } == .invalidTag
        )
        #expect(
            code {
                _ = try KeyScope(form: .legacy(engine: "v@"), modelName: "m", worldSize: 1, workerID: 0)
            } == .invalidName
        )
    }
}
