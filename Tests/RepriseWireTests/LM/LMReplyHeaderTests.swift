import RepriseCore
import RepriseWire
import Testing

@Suite struct LMReplyHeaderTests {
    @Test(arguments: [LMDialect.seed, .current], 0..<16 as Range<UInt64>)
    func `a reply comes back`(dialect: LMDialect, seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        for _ in 0..<100 {
            let byteCount = Int.random(in: 0...Int(Int32.max), using: &generator)
            let reply = LMReplyHeader.hit(generator.metadata(), byteCount: byteCount)
            #expect(
                try LMReplyHeader.decode(reply.encoded(dialect: dialect).rawSpan, dialect: dialect) == reply
            )
        }
    }

    @Test func `a v0 reply carries code and length`() throws {
        let reply = LMReplyHeader.hit(.plain(byteCount: 9), byteCount: 9)
        let received = try LMReplyHeader.decode(reply.encoded(dialect: .v0).rawSpan, dialect: .v0)
        #expect(received.code == .success && received.payloadByteCount == 9)
        #expect(received.metadata.origin == .lmV0 && received.metadata.shape == [9, 0, 0, 0])
        #expect(received.payloadAgreesWithShape)
    }

    @Test(arguments: LMDialect.allCases) func `the fixed replies come back`(dialect: LMDialect) throws {
        for reply in [LMReplyHeader.miss, .found, .list(byteCount: 12), .list(byteCount: 0)] {
            let received = try LMReplyHeader.decode(reply.encoded(dialect: dialect).rawSpan, dialect: dialect)
            #expect(received.code == reply.code && received.payloadByteCount == reply.payloadByteCount)
            if dialect != .v0 { #expect(received == reply) }
        }
    }

    @Test(arguments: LMDialect.allCases) func `a part of a reply is too short`(dialect: LMDialect) {
        let bytes = LMReplyHeader.found.encoded(dialect: dialect)
        for count in 0..<bytes.count {
            #expect(self.code(Array(bytes[..<count]), dialect) == .tooShort)
        }
        #expect(self.code(bytes + [1, 2, 3], dialect) == nil)
    }

    @Test(arguments: [0, 201, 399, -1, 500] as [Int32], LMDialect.allCases)
    func `an unknown code is named`(number: Int32, dialect: LMDialect) throws {
        let bytes = reply(dialect, code: number, length: 0)
        let error = #expect(throws: WireError.self) {
            try LMReplyHeader.decode(bytes.rawSpan, dialect: dialect)
        }
        #expect(error?.code == .badReply)
        #expect(error?.message.contains("\(number)") == true)
    }

    @Test(arguments: LMDialect.allCases) func `a negative length is refused`(dialect: LMDialect) {
        #expect(code(reply(dialect, code: 200, length: -1), dialect) == .badLength)
        #expect(code(reply(dialect, code: 400, length: .min), dialect) == .badLength)
    }

    @Test(arguments: LMDialect.allCases) func `a failure has no payload`(dialect: LMDialect) {
        #expect(code(reply(dialect, code: 400, length: 1), dialect) == .badReply)
    }

    @Test func `a reply that cannot be read into its own shape says so`() {
        let metadata = MemoryObjectMetadata(verbatimFormat: 1, dtype: 2, shape: [2, 1, 2, 2], origin: .lm)
        #expect(LMReplyHeader.hit(metadata, byteCount: 16).payloadAgreesWithShape)
        #expect(!LMReplyHeader.hit(metadata, byteCount: 17).payloadAgreesWithShape)
        #expect(LMReplyHeader.found.payloadAgreesWithShape && LMReplyHeader.miss.payloadAgreesWithShape)
    }

    @Test(arguments: [-1, 1 << 31]) func `a length that the field cannot carry traps`(byteCount: Int) async {
        if byteCount < 0 {
            await #expect(processExitsWith: .failure) { _ = LMReplyHeader.list(byteCount: -1) }
        } else {
            await #expect(processExitsWith: .failure) { _ = LMReplyHeader.list(byteCount: 1 << 31) }
        }
    }

    private func reply(_ dialect: LMDialect, code: Int32, length: Int32) -> [UInt8] {
        let numbers = [code, length].flatMap { word in
            (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        }
        return numbers + [UInt8](repeating: 0, count: dialect.replyHeaderByteCount - 8)
    }

    private func code(_ bytes: [UInt8], _ dialect: LMDialect) -> WireError.Code? {
        errorCode { () throws(WireError) in
            _ = try LMReplyHeader.decode(bytes.rawSpan, dialect: dialect)
        }
    }
}
