import RepriseCore
import RepriseWire
import Testing

@Suite struct LMPayloadLengthTests {
    struct Case: Sendable {
        let format: Int32
        let dtype: Int32
        let shape: SIMD4<Int32>
        let byteCount: Int

        init(_ format: Int32, _ dtype: Int32, _ shape: SIMD4<Int32>, _ byteCount: Int) {
            self.format = format
            self.dtype = dtype
            self.shape = shape
            self.byteCount = byteCount
        }

        func agrees(_ command: LMCommand = .put, origin: MemoryObjectMetadata.Origin = .lm) throws -> Bool {
            let metadata = MemoryObjectMetadata(
                verbatimFormat: format,
                dtype: dtype,
                shape: TensorShape(verbatim: shape),
                origin: origin
            )
            let payloadByteCount = command == .put ? byteCount : 0
            let request = try LMRequest(
                command,
                key: "k",
                metadata: metadata,
                payloadByteCount: payloadByteCount
            )
            return request.payloadAgreesWithShape
        }
    }

    @Test(
        arguments: [
            Case(1, 3, [2, 1, 2, 2], 16), Case(1, 1, [2, 1, 2, 2], 16), Case(1, 5, [2, 1, 2, 2], 64),
            Case(1, 7, [2, 1, 2, 2], 8), Case(6, 2, [1, 4, 2, 8], 128), Case(7, 4, [3, 5, 0, 0], 60),
            Case(8, 2, [3, 5, 7, 0], 210), Case(1, 2, [9, 0, 0, 0], 18),
            // No elements, no bytes: wherever the zero is.
            Case(1, 2, [2, 4, 0, 8], 0), Case(1, 2, [2, 4, 3, 0], 0), Case(1, 2, [0, 0, 0, 0], 0),
        ]
    ) func `a payload of its shape's bytes agrees`(example: Case) throws {
        #expect(try example.agrees())
    }

    @Test(
        arguments: [
            Case(1, 3, [2, 1, 2, 2], 15), Case(1, 3, [2, 1, 2, 2], 17), Case(1, 3, [2, 1, 2, 2], 0),
            Case(1, 3, [2, 1, 2, 2], 8), Case(6, 2, [1, 4, 2, 8], 64), Case(1, 2, [0, 0, 0, 0], 16),
            Case(1, 2, [2, 0, 4, 8], 16), Case(1, 2, [-2, -1, 2, 2], 16), Case(1, 2, [-1, 0, 0, 0], 0x10),
            Case(1, 5, [.max, .max, .max, 7], 16), Case(8, 2, [.max, .max, .max, 2], 0),
        ]
    ) func `a payload of other bytes does not`(example: Case) throws {
        #expect(try !example.agrees())
    }

    @Test(
        arguments: [
            // Binary in one version or another, no or unknown element type, unknown format.
            Case(2, 2, [3, 0, 0, 0], 7), Case(3, 2, [3, 0, 0, 0], 7), Case(4, 6, [3, 0, 0, 0], 7),
            Case(5, 0, [3, 0, 0, 0], 7), Case(1, 0, [3, 0, 0, 0], 7), Case(1, 9, [3, 0, 0, 0], 7),
            Case(1, 102, [3, 0, 0, 0], 7), Case(1, -1, [3, 0, 0, 0], 7), Case(0, 2, [3, 0, 0, 0], 7),
            Case(9, 2, [3, 0, 0, 0], 7), Case(-256, 2, [3, 0, 0, 0], 7),
        ]
    ) func `what says nothing of the length allows any`(example: Case) throws {
        #expect(try example.agrees())
    }

    @Test func `v0 says nothing of the length`() throws {
        #expect(try Case(1, 2, [7, 0, 0, 0], 7).agrees(origin: .lmV0))
        #expect(try !Case(1, 2, [7, 0, 0, 0], 7).agrees(origin: .lm))
    }

    @Test(arguments: LMCommand.allCases) func `only a put has a payload to agree`(command: LMCommand) throws {
        #expect(try Case(1, 2, [2, 2, 2, 2], 1).agrees(command) == (command != .put))
    }
}
