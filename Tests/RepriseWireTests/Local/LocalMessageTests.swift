import RepriseCore
import RepriseWire
import Testing

@Suite struct `The local protocol's messages` {
    @Test func `a header is 32 bytes, and the same when it comes back`() throws {
        var header = LocalHeader(
            .acquire,
            identifier: 0x0102_0304_0506_0708,
            bodyByteCount: 0x000A_0B0C,
            count: 513,
            argument: .max - 1
        )
        header.flags = [.keeps, .wantsReply]
        header.status = .later
        var encoded: [UInt8] = []
        header.append(to: &encoded)
        #expect(
            encoded
                == bytes(hex: "d20303000c0b0a0008070605040302010102000009000000feffffffffffffff")
        )
        #expect(try LocalHeader.decode(encoded.rawSpan) == header)
        for count in 0..<32 { #expect(try LocalHeader.decode(Array(encoded.prefix(count)).rawSpan) == nil) }
    }

    @Test(
        arguments: [
            (0, 0x52, WireError.Code.badCommand), (1, 0, .unknownCommand), (1, 13, .unknownCommand),
            (2, 4, .badCommand), (3, 1, .badCommand), (6, 0x11, .tooLarge), (17, 5, .tooLarge),
            (20, 11, .badReply),
        ] as [(Int, UInt8, WireError.Code)]
    )
    func `a header with a wrong byte is refused`(offset: Int, byte: UInt8, code: WireError.Code) {
        var encoded: [UInt8] = []
        LocalHeader(.stats, identifier: 1).append(to: &encoded)
        encoded[offset] = byte
        let error = #expect(throws: WireError.self) { try LocalHeader.decode(encoded.rawSpan) }
        #expect(error?.code == code)
    }

    @Test func `hello and welcome come back as they were`() throws {
        let hello = LocalHello(session: Array(1...16))
        let body = Array(hello.encoded(identifier: 3).dropFirst(32))
        #expect(try LocalHello(body: body.rawSpan) == hello)
        var welcome = LocalWelcome()
        welcome.isWritable = true
        welcome.arenaByteCount = 1 << 40
        welcome.leasedByteCountMax = 1
        welcome.reservedByteCountMax = 2
        welcome.valueByteCountMax = 3
        welcome.keepMilliseconds = 4
        welcome.leaseMilliseconds = 5
        welcome.reservationMilliseconds = 6
        let answer = Array(welcome.encoded(identifier: 3).dropFirst(32))
        #expect(try LocalWelcome(body: answer.rawSpan) == welcome)
        #expect(throws: WireError.self) { try LocalHello(body: Array(body.dropLast()).rawSpan) }
        #expect(throws: WireError.self) { try LocalWelcome(body: Array(answer.dropLast()).rawSpan) }
    }

    @Test func `a message takes keys up to its limits`() throws {
        var writer = LocalKeysWriter(prefixByteCountPerKey: 8)
        let key = [UInt8](repeating: 7, count: LocalLimits.keyByteCountMax)
        var count = 0
        while writer.append(key.rawSpan) { count += 1 }
        #expect(count == LocalLimits.bodyByteCountMax / (8 + 2 + key.count))
        #expect(writer.byteCount + 8 * count <= LocalLimits.bodyByteCountMax)
        writer.removeAll()
        while writer.append([1].rawSpan) {}
        #expect(writer.count == LocalLimits.elementCountMax)
    }

    @Test func `keys are read from both ends`() throws {
        var writer = LocalKeysWriter()
        let wanted: [[UInt8]] = [[1], [2, 3], [4, 5, 6]]
        for key in wanted {
            let isTaken = writer.append(key.rawSpan)
            #expect(isTaken)
        }
        let body = Array(writer.encoded(.exists, identifier: 0).dropFirst(32))
        let keys = try LocalKeys(body: body.rawSpan, count: 3)
        var found: [[UInt8]] = []
        keys.forEach { _, key in
            found.append([UInt8](copying: key))
            return true
        }
        #expect(found == wanted)
        found = []
        keys.forEachReversed(first: 2) { found.append([UInt8](copying: $0)) }
        #expect(found == [[2, 3], [1]])
    }

    @Test(
        arguments: [
            ([1, 0], 1), ([1, 0, 9, 9], 1), ([0, 0], 1), ([1], 1), ([2, 0, 1, 0, 9], 2),
            ([1, 16] + [UInt8](repeating: 0, count: 4097), 1),
        ] as [([UInt8], Int)]
    )
    func `a table of keys that does not add up is refused`(body: [UInt8], count: Int) {
        #expect(throws: WireError.self) { _ = try LocalKeys(body: body.rawSpan, count: count).count }
    }

    @Test func `places beyond the arena are refused`() throws {
        let metadata = MemoryObjectMetadata.plain(byteCount: 100)
        for (offset, isInside) in [(4096, true), (8092, true), (8093, false), (Int.max, false)] {
            let lease = LocalLease(offset: offset, valueByteCount: 100, identifier: 1, metadata: metadata)
            var body: [UInt8] = []
            lease.append(to: &body)
            #expect(body.count == LocalLease.byteCount)
            if isInside {
                #expect(try LocalLease(at: 0, of: body.rawSpan, arenaByteCount: 8192) == lease)
            } else {
                #expect(throws: WireError.self) {
                    try LocalLease(at: 0, of: body.rawSpan, arenaByteCount: 8192)
                }
            }
            var room: [UInt8] = []
            LocalRoom(offset: offset, identifier: 1).append(to: &room)
            #expect(room.count == LocalRoom.byteCount)
            let read = try? LocalRoom(at: 0, of: room.rawSpan, wanted: 100, arenaByteCount: 8192)
            #expect((read != nil) == isInside)
        }
    }

    @Test(arguments: 0..<32 as Range<UInt64>) func `random bodies are read or refused`(seed: UInt64) {
        var generator = SplitMix(seed: seed)
        let body = (0..<200).map { _ in UInt8.random(in: 0...3, using: &generator) }
        for count in 0..<20 {
            _ = try? LocalKeys(body: body.rawSpan, count: count).count
            _ = try? LocalLease(at: count, of: body.rawSpan, arenaByteCount: 1)
            _ = try? LocalRoom(at: count, of: body.rawSpan, wanted: 1, arenaByteCount: 1)
            _ = try? LocalNumbers.numbers(of: body.rawSpan, count: count)
        }
    }
}
