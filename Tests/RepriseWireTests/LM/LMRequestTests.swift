import RepriseCore
import Testing

@testable import RepriseWire

@Suite struct LMRequestTests {
    private static let codes: [(Int32, Int32)] = (0...8).flatMap { format in
        (0...8).map { (format as Int32, $0 as Int32) }
    }

    @Test(arguments: [LMDialect.seed, .current], LMCommand.allCases)
    func `each command, format and dtype comes back`(dialect: LMDialect, command: LMCommand) throws {
        for (format, dtype) in Self.codes {
            let request = try LMRequest(
                command,
                key: "model@1@0@abc",
                metadata: MemoryObjectMetadata(
                    verbatimFormat: format,
                    dtype: dtype,
                    shape: [2, 32, 256, 1024],
                    origin: .lm
                ),
                payloadByteCount: command == .put ? 77 : 0
            )
            #expect(try decoded(request.encoded(dialect: dialect)) == request)
        }
    }

    @Test(arguments: LMCommand.allCases) func `v0 carries command, length and key`(command: LMCommand) throws
    {
        let byteCount = command == .put ? 77 : 0
        let request = try LMRequest(command, key: "k", payloadByteCount: byteCount)
        let received = try decoded(request.encoded(dialect: .v0))
        #expect(received.command == command && received.key == "k" && received.payloadByteCount == byteCount)
        #expect(received.metadata.formatCode == 1 && received.metadata.dtypeCode == 2)
        #expect(received.metadata.shape == [byteCount, 0, 0, 0])
        #expect(received.metadata.origin == .lmV0)
    }

    @Test(arguments: LMDialect.allCases) func `a key of up to 150 bytes fits`(dialect: LMDialect) throws {
        for byteCount in 1...150 {
            let key = StorageKey(String(repeating: "k", count: byteCount))
            #expect(try decoded(LMRequest(.get, key: key).encoded(dialect: dialect)).key == key)
        }
    }

    @Test(arguments: ["k", "\u{4E2D}"]) func `a key of 151 bytes is refused`(letter: String) {
        // 51 letters of three bytes are 153 bytes, though LMCache's own check counts 51.
        let key = StorageKey(String(repeating: letter, count: 151 / letter.utf8.count + 1))
        #expect(errorCode { () throws(WireError) in _ = try LMRequest(.get, key: key) } == .tooLarge)
    }

    @Test(arguments: [" k", "k ", "\tk", "k\u{1C}", "k\n", "\u{1}k", "k\u{2}"], LMCommand.allCases)
    func `a key that would not come back is refused`(key: String, command: LMCommand) {
        #expect(
            errorCode { () throws(WireError) in _ = try LMRequest(command, key: StorageKey(key)) } == .badKey
        )
    }

    @Test func `a key that is not UTF-8 is refused`() {
        let key = StorageKey([0x61, 0xC3])
        #expect(errorCode { () throws(WireError) in _ = try LMRequest(.get, key: key) } == .badKey)
    }

    @Test(arguments: LMCommand.allCases) func `only some commands need a key`(command: LMCommand) {
        let code = errorCode { () throws(WireError) in _ = try LMRequest(command, key: "") }
        #expect(code == ([.list, .health, .stat].contains(command) ? nil : .badKey))
    }

    @Test(
        arguments: [
            (LMCommand.put, -1, WireError.Code.badLength), (.put, 1 << 31, .tooLarge), (.get, 1, .badLength),
        ]
    ) func `a length that the field cannot carry is refused`(
        command: LMCommand,
        byteCount: Int,
        expected: WireError.Code
    ) {
        let code = errorCode { () throws(WireError) in
            _ = try LMRequest(command, key: "k", payloadByteCount: byteCount)
        }
        #expect(code == expected)
    }

    @Test func `the largest payload's length comes back`() throws {
        let request = try LMRequest(.put, key: "k", payloadByteCount: LMLimits.payloadByteCountMax)
        #expect(try decoded(request.encoded(dialect: .current)) == request)
    }

    @Test(arguments: [(0x2020_2020, 0), (-1, 0), (1, 0x2020_2020), (1, -1)] as [(Int32, Int32)])
    func `numbers that look like a key are refused`(format: Int32, lastDimension: Int32) {
        let metadata = MemoryObjectMetadata(
            verbatimFormat: format,
            dtype: 2,
            shape: TensorShape(verbatim: [1, 1, 1, lastDimension]),
            origin: .lm
        )
        #expect(
            errorCode { () throws(WireError) in _ = try LMRequest(.put, key: "k", metadata: metadata) }
                == .badMetadata
        )
    }

    @Test func `a shape is padded whatever lies in its padding`() throws {
        let shape = TensorShape(verbatim: [2, 3, 7, 7], dimensionCount: 2)
        let metadata = MemoryObjectMetadata(verbatimFormat: 1, dtype: 2, shape: shape, origin: .library)
        let request = try LMRequest(.put, key: "k", metadata: metadata, payloadByteCount: 12)
        #expect(try decoded(request.encoded(dialect: .current)).metadata.shape == [2, 3, 0, 0])
    }

    @Test func `a header is encoded into the memory it is given`() throws {
        let request = try LMRequest(.get, key: "abc")
        let buffer = [UInt8](byteCount: 200) { bytes in
            for offset in 0..<200 { bytes.storeBytes(of: 0xEE, toByteOffset: offset, as: UInt8.self) }
            request.encode(dialect: .current, into: &bytes)
        }
        #expect(Array(buffer[..<186]) == request.encoded(dialect: .current))
        #expect(buffer[186...].allSatisfy { $0 == 0xEE })
    }

    private func decoded(_ bytes: [UInt8]) throws -> LMRequest {
        var decoder = LMRequestDecoder()
        guard case .request(let request, bytes.count) = try decoder.decode(bytes.rawSpan) else {
            throw WireError(.tooShort, "the header is not understood as a whole")
        }
        return request
    }
}

/// The code of the error that `body` throws, or `nil`.
func errorCode(_ body: () throws(WireError) -> Void) -> WireError.Code? {
    do throws(WireError) {
        try body()
        return nil
    } catch {
        return error.code
    }
}
