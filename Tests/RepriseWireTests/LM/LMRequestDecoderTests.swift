import RepriseCore
import RepriseWire
import Testing

@Suite struct LMRequestDecoderTests {
    @Test(arguments: LMDialect.allCases) func `pipelined requests are read however they arrive`(
        dialect: LMDialect
    ) throws {
        let payload = (0..<20).map { UInt8($0) }
        let requests = [
            try LMRequest(.put, key: "a@1", payloadByteCount: payload.count),
            try LMRequest(.exist, key: "a@1"),
            try LMRequest(.get, key: "a@1"), try LMRequest(.put, key: "b", payloadByteCount: 0),
            try LMRequest(.list, key: ""), try LMRequest(.remove, key: "\u{4E2D}"),
            try LMRequest(.stat, key: ""),
        ]
        let stream = requests.flatMap {
            $0.encoded(dialect: dialect) + ($0.payloadByteCount > 0 ? payload : [])
        }
        let outcome = LMRequestFeeder.verify(stream)
        #expect(outcome.error == nil && outcome.dialect == dialect)
        #expect(outcome.messages.map(\.request.command) == requests.map(\.command))
        #expect(outcome.messages.map(\.request.key) == requests.map(\.key))
        #expect(outcome.messages.map(\.payload) == requests.map { $0.payloadByteCount > 0 ? payload : [] })
    }

    @Test(arguments: LMDialect.allCases, 0..<4 as Range<UInt64>)
    func `random requests are read however they arrive`(dialect: LMDialect, seed: UInt64) {
        var generator = SplitMix(seed: seed)
        let requests = (0..<40).compactMap { _ in generator.request() }.prefix(5)
        let stream = requests.flatMap {
            $0.encoded(dialect: dialect) + [UInt8](repeating: 0xA5, count: $0.payloadByteCount)
        }
        let outcome = LMRequestFeeder.verify(stream)
        #expect(outcome.error == nil)
        #expect(outcome.messages.map(\.request.key) == requests.map(\.key))
        if dialect != .v0 { #expect(outcome.messages.map(\.request) == Array(requests)) }
    }

    @Test(arguments: 0..<64 as Range<UInt64>)
    func `random bytes come to the same however they arrive`(seed: UInt64) {
        var generator = SplitMix(seed: seed)
        var stream = (0..<400).map { _ in UInt8.random(in: 0...255, using: &generator) }
        stream.replaceSubrange(0..<4, with: [UInt8(seed % 7), 0, 0, 0])
        if seed.isMultiple(of: 2) { stream.replaceSubrange(4..<8, with: [5, 0, 0, 0]) }
        if seed.isMultiple(of: 3) { stream = stream.map { $0 & 0x7F } }
        _ = LMRequestFeeder.verify(stream)
    }

    @Test(arguments: [0, -1, 6, 256, 0x0105_0000, 0x0305, .max] as [Int32], LMDialect.allCases)
    func `an unknown command ends the connection`(number: Int32, dialect: LMDialect) throws {
        let outcome = LMRequestFeeder.verify(try header(dialect, setting: number, at: 0))
        #expect(outcome.error?.code == .unknownCommand)
        #expect(outcome.error?.message.contains("\(number)") == true)
    }

    @Test(arguments: LMDialect.allCases) func `a negative length ends the connection`(dialect: LMDialect)
        throws
    {
        #expect(LMRequestFeeder.verify(try header(dialect, setting: -1, at: 4)).error?.code == .badLength)
    }

    @Test(arguments: LMDialect.allCases, LMCommand.allCases)
    func `a length counts only with a put`(dialect: LMDialect, command: LMCommand) throws {
        for length in [7, -7] as [Int32] where command != .put {
            let stream = try header(dialect, command, setting: length, at: 4)
            let outcome = LMRequestFeeder.outcome(of: stream + stream)
            #expect(outcome.messages.count == 2)
            #expect(outcome.messages.allSatisfy { $0.request.payloadByteCount == 0 })
        }
    }

    @Test(arguments: [-1, 9, 99, .max, .min] as [Int32])
    func `numbers nobody knows are kept`(number: Int32) throws {
        for (offset, dialect) in [(12, LMDialect.seed), (12, .current), (20, .current), (16, .seed)] {
            let outcome = LMRequestFeeder.outcome(of: try header(dialect, setting: number, at: offset))
            let metadata = try #require(outcome.messages.first?.request.metadata)
            #expect((offset == 12 ? metadata.dtypeCode : metadata.shape.padded[0]) == number)
        }
    }

    @Test func `an unknown format is kept`() throws {
        let outcome = LMRequestFeeder.verify(try header(.seed, setting: 1234, at: 8))
        #expect(outcome.messages.first?.request.metadata.formatCode == 1234)
    }

    @Test func `the location is ignored`() throws {
        let plain = LMRequestFeeder.outcome(of: try header(.current, setting: 0, at: 16))
        for location in [1, 2, -1, .max] as [Int32] {
            #expect(LMRequestFeeder.verify(try header(.current, setting: location, at: 16)) == plain)
        }
    }

    @Test(arguments: LMDialect.allCases) func `white space around a key is no part of it`(
        dialect: LMDialect
    ) throws {
        for space in [0x20, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x1F] as [UInt8] {
            // The first request fixes the dialect; only then may a key begin with a control character.
            let first = try LMRequest(.get, key: "first").encoded(dialect: dialect)
            let second = header(dialect, keyField: [space, space] + Array("a b".utf8) + [space])
            let outcome = LMRequestFeeder.outcome(of: first + second)
            #expect(outcome.messages.map(\.request.key) == ["first", "a b"])
        }
    }

    @Test(
        arguments: [
            [], [0x61, 0xC3], [0xFF], [0x61, 0xED, 0xA0, 0x80], [0x61, 0xC0, 0xAF],
            [0x61, 0xF4, 0x90, 0x80, 0x80],
        ] as [[UInt8]],
        LMDialect.allCases
    ) func `a key that is blank or not UTF-8 ends the connection`(key: [UInt8], dialect: LMDialect) {
        #expect(LMRequestFeeder.verify(header(dialect, keyField: key)).error?.code == .badKey)
    }

    @Test(arguments: ["a@b@c", "nonsense", "\u{7F}", "a\u{0}b", "x y", "\u{4E2D}\u{6587}", "@@@@"])
    func `keys are opaque`(key: String) {
        let outcome = LMRequestFeeder.outcome(of: header(.current, keyField: Array(key.utf8)))
        #expect(outcome.messages.first?.request.key.bytes == Array(key.utf8))
    }

    @Test(arguments: LMDialect.allCases, LMDialect.allCases)
    func `the first request fixes the dialect`(first: LMDialect, second: LMDialect) throws {
        var decoder = LMRequestDecoder()
        #expect(decoder.dialect == nil)
        _ = try decoder.decode(try LMRequest(.get, key: "key").encoded(dialect: first).rawSpan)
        #expect(decoder.dialect == first)
        _ = try? decoder.decode(
            (try LMRequest(.get, key: "key").encoded(dialect: second) + spaces(40)).rawSpan
        )
        #expect(decoder.dialect == first)
    }

    @Test(arguments: LMDialect.allCases) func `a decoder can be told its dialect`(dialect: LMDialect) throws {
        var decoder = LMRequestDecoder(dialect: dialect)
        let bytes = try LMRequest(.get, key: "key").encoded(dialect: dialect)
        #expect(try decoder.decode([UInt8]().rawSpan) == .needsBytes(dialect.requestHeaderByteCount))
        guard case .request(let request, _) = try decoder.decode(bytes.rawSpan) else {
            Issue.record("no request")
            return
        }
        #expect(request.key == "key")
    }

    @Test func `a new decoder asks for as many bytes as tell the dialect`() throws {
        var decoder = LMRequestDecoder()
        #expect(try decoder.decode([UInt8]().rawSpan) == .needsBytes(36))
        let bytes = try LMRequest(.get, key: "key").encoded(dialect: .seed)
        #expect(try decoder.decode(Array(bytes[..<35]).rawSpan) == .needsBytes(36))
        #expect(try decoder.decode(Array(bytes[..<36]).rawSpan) == .needsBytes(182))
    }

    private func header(
        _ dialect: LMDialect,
        _ command: LMCommand = .put,
        setting number: Int32,
        at offset: Int
    ) throws -> [UInt8] {
        var bytes = try LMRequest(command, key: "key@1").encoded(dialect: dialect)
        for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
        return bytes
    }

    private func header(_ dialect: LMDialect, keyField: [UInt8]) -> [UInt8] {
        let numbers = [UInt8](repeating: 0, count: dialect.requestHeaderByteCount - 151)
        return [2] + numbers + keyField + spaces(150 - keyField.count)
    }
}
