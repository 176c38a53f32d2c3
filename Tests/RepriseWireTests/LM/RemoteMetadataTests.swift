import RepriseCore
import RepriseWire
import Testing

@Suite struct RemoteMetadataTests {
    private static let groups: [RemoteMetadata.Group] = [
        .init(dtype: .bfloat16, shape: [2, 1, 2, 2]), .init(dtype: .float8E4M3FN, shape: [3, 4]),
        .init(dtype: nil, shape: [5, 6, 7]),
    ]

    @Test(arguments: [(1, 28), (2, 48), (3, 68)]) func `groups come back`(count: Int, byteCount: Int) throws {
        let metadata = RemoteMetadata(
            payloadByteCount: 1234,
            format: .kv2LTD,
            groups: Array(Self.groups.prefix(count))
        )
        let bytes = try metadata.encoded()
        #expect(bytes.count == byteCount)
        #expect(RemoteMetadata.byteCount(groupCount: count) == byteCount)
        #expect(try RemoteMetadata.decode(bytes.rawSpan, groupCount: count) == metadata)
        #expect(try RemoteMetadata.decode((bytes + [9]).rawSpan, groupCount: count) == metadata)
    }

    @Test func `one group has the bytes of the first versions`() throws {
        let metadata = RemoteMetadata(payloadByteCount: 16, format: .kv2LTD, groups: [Self.groups[0]])
        let expected = bytes(hex: "10000000010000000300000002000000010000000200000002000000")
        #expect(try metadata.encoded() == expected)
    }

    @Test func `a binary shape keeps its zeros`() throws {
        let group = RemoteMetadata.Group(dtype: nil, shape: [9, 0, 0, 0])
        let metadata = RemoteMetadata(payloadByteCount: 9, format: .binaryBuffer, groups: [group])
        let bytes = try metadata.encoded()
        #expect(try RemoteMetadata.decode(bytes.rawSpan) == metadata)
    }

    @Test(
        arguments: [
            (0, -1, WireError.Code.badLength), (4, 9, .badMetadata), (4, -1, .badMetadata),
            (8, 9, .badMetadata),
            (12, -1, .badShape),
        ] as [(Int, Int32, WireError.Code)]
    ) func `bad numbers are refused`(offset: Int, number: Int32, expected: WireError.Code) throws {
        let metadata = RemoteMetadata(payloadByteCount: 16, format: .kv2LTD, groups: [Self.groups[0]])
        var bytes = try metadata.encoded()
        for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
        let code = errorCode { () throws(WireError) in _ = try RemoteMetadata.decode(bytes.rawSpan) }
        #expect(code == expected)
    }

    @Test(arguments: 0..<48) func `a part of it is too short`(count: Int) throws {
        let metadata = RemoteMetadata(
            payloadByteCount: 16,
            format: .kv2LTD,
            groups: Array(Self.groups.prefix(2))
        )
        let bytes = Array(try metadata.encoded().prefix(count))
        let code = errorCode { () throws(WireError) in
            _ = try RemoteMetadata.decode(bytes.rawSpan, groupCount: 2)
        }
        #expect(code == .tooShort)
    }

    @Test(arguments: [-1, 0, 65, Int.max]) func `the number of groups has limits`(count: Int) {
        let code = errorCode { () throws(WireError) in
            _ = try RemoteMetadata.decode([UInt8](repeating: 0, count: 64).rawSpan, groupCount: count)
        }
        #expect(code == .badMetadata)
    }

    @Test func `what has no number is refused`() {
        let cases: [(RemoteMetadata, WireError.Code)] = [
            (.init(payloadByteCount: -1, format: .kv2LTD, groups: [Self.groups[0]]), .badLength),
            (.init(payloadByteCount: 1 << 31, format: .kv2LTD, groups: [Self.groups[0]]), .badLength),
            (.init(payloadByteCount: 1, format: .kv2LTD, groups: []), .badMetadata),
            (
                .init(payloadByteCount: 1, format: .kv2LTD, groups: [.init(dtype: .int8, shape: [1])]),
                .badMetadata
            ),
            (
                .init(payloadByteCount: 1, format: .kv2LTD, groups: [.init(dtype: .uint8, shape: [])]),
                .badShape
            ),
        ]
        for (metadata, expected) in cases {
            #expect(errorCode { () throws(WireError) in _ = try metadata.encoded() } == expected)
        }
    }
}
