import RepriseCore
import RepriseRemote
import RepriseReplay
import Testing

struct BlockContentTests {
    private static func bytes(_ id: UInt64, _ byteCount: Int) -> [UInt8] {
        var buffer = TransferBuffer(byteCapacity: byteCount)
        BlockContent(id: id, byteCount: byteCount).fill(&buffer)
        return [UInt8](copying: buffer.prefix(byteCount))
    }

    @Test(arguments: [0, 1, 7, 8, 15, 16, 17, 63, 64, 65, 127, 128, 4096, 10_001])
    func `a block checks out and begins with its id`(byteCount: Int) {
        let bytes = BlockContentTests.bytes(0x0102_0304, byteCount)
        #expect(BlockContent(id: 0x0102_0304, byteCount: byteCount).wrongByteCount(in: bytes.rawSpan) == 0)
        #expect(Array(bytes.prefix(4)) == Array([4, 3, 2, 1].prefix(byteCount)))
    }

    @Test(arguments: [1, 8, 20, 64, 77, 130])
    func `every single wrong byte is found`(byteCount: Int) {
        let content = BlockContent(id: 7, byteCount: byteCount)
        let right = BlockContentTests.bytes(7, byteCount)
        for offset in 0..<byteCount {
            var wrong = right
            wrong[offset] ^= 1
            #expect(content.wrongByteCount(in: wrong.rawSpan) == 1)
        }
    }

    @Test func `missing and surplus bytes are wrong`() {
        let content = BlockContent(id: 7, byteCount: 100)
        let right = BlockContentTests.bytes(7, 100)
        #expect(content.wrongByteCount(in: Array(right.prefix(90)).rawSpan) == 10)
        #expect(content.wrongByteCount(in: (right + [0, 0]).rawSpan) == 2)
    }

    @Test func `another id or size gives other bytes in every word`() {
        let content = BlockContent(id: 7, byteCount: 4096)
        #expect(content.wrongByteCount(in: BlockContentTests.bytes(8, 4096).rawSpan) > 3500)
        #expect(
            content.wrongByteCount(in: Array(BlockContentTests.bytes(7, 8192).prefix(4096)).rawSpan) > 3500
        )
    }
}
