import RepriseCore
import Testing

@testable import RepriseWire

/// Byte vectors made with Python's `struct`, as LMCache packs its messages.
@Suite struct LMGoldenVectorTests {
    private static let seedPutHead =
        "0100000010000000010000000300000002000000010000000200000002000000"
        + "766c6c6d40746573745f6d6f64656c4033403132334068617368202020202020"
    private static let currentPutHead =
        "010000001000000001000000030000000000000002000000010000000200000002000000"
        + "746573745f6d6f64656c403340313233406465644062666c6f61743136202020"
    private static let metadata = MemoryObjectMetadata(
        verbatimFormat: 1,
        dtype: 3,
        shape: [2, 1, 2, 2],
        origin: .lm
    )

    @Test func `a seed put is the golden vector`() throws {
        let request = try LMRequest(
            .put,
            key: "vllm@test_model@3@123@hash",
            metadata: Self.metadata,
            payloadByteCount: 16
        )
        let expected = bytes(hex: Self.seedPutHead)
        #expect(request.encoded(dialect: .seed) == expected + spaces(182 - expected.count))
    }

    @Test func `a current put is the golden vector`() throws {
        let request = try LMRequest(
            .put,
            key: "test_model@3@123@ded@bfloat16",
            metadata: Self.metadata,
            payloadByteCount: 16
        )
        let expected = bytes(hex: Self.currentPutHead)
        #expect(request.encoded(dialect: .current) == expected + spaces(186 - expected.count))
    }

    @Test func `a seed exist is the golden vector`() throws {
        let head = bytes(hex: "0300000000000000010000000200000000000000000000000000000000000000")
        let key = "vllm@test_model@3@123@hash"
        let expected = head + Array(key.utf8) + spaces(150 - key.utf8.count)
        #expect(try LMRequest(.exist, key: StorageKey(key)).encoded(dialect: .seed) == expected)
    }

    @Test func `a v0 get is command, length and key`() throws {
        let expected = bytes(hex: "0200000000000000") + Array("abc".utf8) + spaces(147)
        #expect(try LMRequest(.get, key: "abc").encoded(dialect: .v0) == expected)
    }

    @Test(
        arguments: [
            (LMDialect.seed, "c800000010000000010000000300000002000000010000000200000002000000"),
            (.current, "c80000001000000001000000030000000200000001000000020000000200000000000000"),
            (.v0, "c800000010000000"),
        ]
    ) func `a hit is the golden vector`(dialect: LMDialect, hex: String) {
        let reply = LMReplyHeader.hit(Self.metadata, byteCount: 16)
        #expect(reply.encoded(dialect: dialect) == bytes(hex: hex))
    }

    @Test(
        arguments: [
            (LMDialect.seed, "9001000000000000010000000200000000000000000000000000000000000000"),
            (.current, "900100000000000001000000020000000000000000000000000000000000000000000000"),
            (.v0, "9001000000000000"),
        ]
    ) func `a miss is the golden vector`(dialect: LMDialect, hex: String) {
        #expect(LMReplyHeader.miss.encoded(dialect: dialect) == bytes(hex: hex))
    }

    @Test(
        arguments: [
            (LMDialect.seed, "c800000000000000010000000200000000000000000000000000000000000000"),
            (.current, "c80000000000000001000000020000000000000000000000000000000000000000000000"),
            (.v0, "c800000000000000"),
        ]
    ) func `a found key is the golden vector`(dialect: LMDialect, hex: String) {
        #expect(LMReplyHeader.found.encoded(dialect: dialect) == bytes(hex: hex))
    }

    @Test(arguments: [(LMDialect.seed, seedPutHead), (.current, currentPutHead)])
    func `a golden put is understood`(dialect: LMDialect, hex: String) throws {
        let head = bytes(hex: hex)
        var decoder = LMRequestDecoder()
        let step = try decoder.decode((head + spaces(dialect.requestHeaderByteCount - head.count)).rawSpan)
        guard case .request(let request, let headerByteCount) = step else {
            Issue.record("not a request: \(step)")
            return
        }
        #expect(headerByteCount == dialect.requestHeaderByteCount)
        #expect(request.command == .put && request.payloadByteCount == 16)
        #expect(request.metadata == Self.metadata)
        #expect(request.key.text.hasPrefix(dialect == .seed ? "vllm@test" : "test_model@3"))
        #expect(request.payloadAgreesWithShape)
    }
}
