import RepriseCore
import Testing

struct KeysChunkHashTests {
    @Test(
        arguments: [
            (Int64(0), "0"), (1, "1"), (-1, "-1"), (0xded, "ded"), (.max, "7fffffffffffffff"),
            (.min, "-8000000000000000"), (3_131_758_554_629_441_992, "2b763dd00afa89c8"),
        ])
    func `a signed integer is written as Python writes it`(value: Int64, text: String) throws {
        #expect(ChunkHash(value).text == text)
        let hash = try ChunkHash(text: text)
        #expect(hash == ChunkHash(value))
        #expect(hash.signedInteger == value)
        #expect(hash.unsignedInteger == UInt64(exactly: value))
        #expect(hash.digest == nil)
    }

    @Test func `an unsigned integer keeps its top bit`() throws {
        let hash = ChunkHash(UInt64.max)
        #expect(hash.text == "ffffffffffffffff")
        #expect(try ChunkHash(text: hash.text) == hash)
        #expect(hash.unsignedInteger == .max)
        #expect(hash.signedInteger == nil)
    }

    @Test func `an integer below the signed ones is kept`() throws {
        let hash = try ChunkHash(text: "-8000000000000001")
        #expect(hash.text == "-8000000000000001")
        #expect(hash.signedInteger == nil && hash.unsignedInteger == nil)
    }

    @Test func `64 digits are a digest`() throws {
        let text = "00d330b12e8159e117376ef24fa106413bc9fc18032a0d43e95c5dae5e47953f"
        let hash = try ChunkHash(text: text)
        let digest = try #require(hash.digest)
        #expect(digest.bytes[..<4] == [0x00, 0xd3, 0x30, 0xb1])
        #expect(digest.bytes.count == 32)
        #expect(ChunkDigest(copying: digest.bytes.rawSpan) == digest)
        #expect(ChunkHash(digest) == hash)
        #expect(hash.text == text)
    }

    @Test func `a digest of other than 32 bytes traps`() async {
        await #expect(processExitsWith: .failure) {
            _ = ChunkDigest(copying: [UInt8](repeating: 0, count: 31).rawSpan)
        }
    }

    @Test(arguments: ["hash", "00ff", "-0", "DED", "-", "fffffffffffffffff", "0x1f", "~!%"])
    func `any other visible text is kept as it is`(text: String) throws {
        let hash = try ChunkHash(text: text)
        #expect(hash.text == text)
        #expect(hash.signedInteger == nil && hash.unsignedInteger == nil && hash.digest == nil)
    }

    @Test(arguments: ["", "a@b", "a b", "é", "\n", "a\0"])
    func `a text that no key can carry is refused`(text: String) {
        let error = #expect(throws: KeyError.self) { try ChunkHash(text: text) }
        #expect(error?.code == .invalidHash)
    }
}
