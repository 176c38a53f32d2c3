import RepriseReplay
import Testing

struct TraceReaderTests {
    private static let good =
        #"{"timestamp": 27, "input_length": 600, "output_length": 5, "hash_ids": [46, 9223372036854775807]}"#

    @Test func `a line is read`() throws {
        let expected = TraceRequest(
            timestampMilliseconds: 27,
            inputTokenCount: 600,
            outputTokenCount: 5,
            blockIDs: [46, UInt64(Int.max)]
        )
        #expect(try TraceReader.read(Array(TraceReaderTests.good.utf8)) == [expected])
    }

    @Test func `fields come in any order and space is skipped`() throws {
        let text =
            "\r\n\n\t{ \"hash_ids\" : [ ] ,\"output_length\":1,\"input_length\":2,\"timestamp\":3 } \r\n"
        let expected = TraceRequest(
            timestampMilliseconds: 3,
            inputTokenCount: 2,
            outputTokenCount: 1,
            blockIDs: []
        )
        #expect(try TraceReader.read(Array(text.utf8)) == [expected])
    }

    @Test func `nothing behind the limit is read`() throws {
        let text = TraceReaderTests.good + "\n" + TraceReaderTests.good + "\nbroken"
        #expect(try TraceReader.read(Array(text.utf8), limit: 2).count == 2)
    }

    @Test(arguments: [
        (#"{}"#, TraceError.Code.syntax),
        (#"{"timestamp": 1}"#, .missingField),
        (#"[1]"#, .syntax),
        (#"{"timestamp": 1, "timestamp": 2}"#, .duplicateField),
        (#"{"timestamp": 1, "model": "x"}"#, .unknownField),
        (#"{"timestamp": -1}"#, .badNumber),
        (#"{"timestamp": 1.5}"#, .badNumber),
        (#"{"timestamp": 01}"#, .badNumber),
        (#"{"timestamp": 1e3}"#, .badNumber),
        (#"{"timestamp": 9223372036854775808}"#, .badNumber),
        (#"{"timestamp": "1"}"#, .badNumber),
        (#"{"timestamp" 1}"#, .syntax),
        (#"{"timestamp": 1,}"#, .syntax),
        (#"{"hash_ids": [1 2]}"#, .syntax),
        (#"{"hash_ids": [1,]}"#, .badNumber),
        (#"{"hash_ids": [1"#, .syntax),
        (#"{"timest"#, .unknownField),
        (good + "x", .syntax),
        (good + good, .syntax),
    ])
    func `a bad line is named with its kind`(text: String, code: TraceError.Code) {
        let error = #expect(throws: TraceError.self) {
            try TraceReader.read(Array("\(TraceReaderTests.good)\n\n\(text)".utf8))
        }
        #expect(error?.code == code)
        #expect(error?.line == 3)
    }

    @Test func `every prefix of a line is an error or nothing`() throws {
        let bytes = Array(TraceReaderTests.good.utf8)
        for count in 1..<bytes.count {
            #expect(throws: TraceError.self) { try TraceReader.read(Array(bytes.prefix(count))) }
        }
        #expect(try TraceReader.read([]).isEmpty)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `changed bytes never trap`(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        var bytes = Array(TraceReaderTests.good.utf8)
        for _ in 0..<3 {
            bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(
                in: 0...255,
                using: &generator
            )
        }
        _ = try? TraceReader.read(bytes)
    }

    private struct SeededGenerator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }
}
