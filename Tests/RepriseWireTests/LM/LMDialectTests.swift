import RepriseCore
import RepriseWire
import Testing

@Suite struct LMDialectTests {
    @Test(arguments: [(LMDialect.v0, 158, 8), (.seed, 182, 32), (.current, 186, 36)])
    func `headers have the sizes of LMCache's`(dialect: LMDialect, request: Int, reply: Int) {
        #expect(dialect.requestHeaderByteCount == request)
        #expect(dialect.replyHeaderByteCount == reply)
    }

    @Test(arguments: LMDialect.allCases, LMCommand.allCases)
    func `36 bytes tell the dialect, and fewer do not`(dialect: LMDialect, command: LMCommand) throws {
        for key: StorageKey in ["a", "ab", "ü", "vllm@model@1@0@ab", "test/model@3@123@ded@bfloat16"] {
            let header = try LMRequest(command, key: key).encoded(dialect: dialect)
            #expect(LMDialect.detect(header.rawSpan) == dialect)
            #expect(LMDialect.detect(Array(header.prefix(36)).rawSpan) == dialect)
            #expect(LMDialect.detect(Array(header.prefix(35)).rawSpan) == nil)
        }
    }

    @Test(arguments: LMDialect.allCases) func `a blank key tells the dialect`(dialect: LMDialect) throws {
        let header = try LMRequest(.list, key: "").encoded(dialect: dialect)
        #expect(LMDialect.detect(header.rawSpan) == dialect)
    }

    @Test(arguments: LMDialect.allCases, 0..<32 as Range<UInt64>)
    func `every request a client can make tells its dialect`(dialect: LMDialect, seed: UInt64) {
        var generator = SplitMix(seed: seed)
        for _ in 0..<200 {
            guard let request = generator.request() else { continue }
            #expect(LMDialect.detect(request.encoded(dialect: dialect).rawSpan) == dialect, "\(request)")
        }
    }

    @Test(arguments: [0x1F, 0x20, 0x40, 0x7F, 0x80, 0xFF] as [UInt8], 0..<4)
    func `a key begins with four bytes from 0x20 on`(byte: UInt8, position: Int) {
        var bytes = [UInt8](repeating: 0, count: 36)
        bytes.replaceSubrange(8..<12, with: [0x20, 0x20, 0x20, 0x20])
        bytes[8 + position] = byte
        #expect((LMDialect.detect(bytes.rawSpan) == .v0) == (byte >= 0x20))
    }
}
