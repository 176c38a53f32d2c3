import RepriseCore
import RepriseWire
import Testing

@Suite struct `Faulty RESP replies` {
    @Test(arguments: [
        "HTTP/1.1 400 Bad Request\r\n", "\0", "*1\r\nx\r\n", "+a\n", "+a\rb\r\n", ":\r\n", ":1a\r\n",
        ":9223372036854775808\r\n", ":-\r\n", "#x\r\n", "#\r\n", ",0x1p3\r\n", ",infinity\r\n", ",\r\n",
        "_x\r\n", "(1.5\r\n", "$3\r\nabcd\r\n", "=3\r\ntxt\r\n", "=5\r\ntxt;a\r\n", "*1\r\n>1\r\n:1\r\n",
    ])
    func `what no server sends is refused`(text: String) {
        #expect(RESPReplyFeeder.verify(text).error?.code == .badReply)
    }

    @Test(arguments: [
        "$-2\r\n", "$\r\n", "$+1\r\n", "$ 1\r\n", "$?\r\n", "*?\r\n", "*-2\r\n", "%-1\r\n", "~x\r\n",
        "!-1\r\n",
        "=-1\r\n", "$99999999999999999999\r\n", "*1\r\n$1x\r\n",
    ])
    func `lengths that are none are refused`(text: String) {
        #expect(RESPReplyFeeder.verify(text).error?.code == .badLength)
    }

    private static var tight: RESPReplyLimits {
        var limits = RESPReplyLimits()
        limits.lineByteCountMax = 10
        limits.replyByteCountMax = 60
        limits.elementCountMax = 6
        limits.nestingDepthMax = 3
        limits.payloadByteCountMax = 20
        return limits
    }

    @Test(arguments: [
        "+12345678901\r\n", "+1234567890123", "$61\r\n", "*7\r\n", "%4\r\n", "*2\r\n*5\r\n:1\r\n",
        "*9223372036854775807\r\n".replacing("9223372036854775807", with: "999999999"),
        "*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        "*2\r\n$30\r\n123456789012345678901234567890\r\n$30\r\n",
        "|3\r\n+a\r\n+b\r\n+c\r\n+d\r\n+e\r\n+f\r\n*1\r\n:1\r\n",
    ])
    func `what is beyond a limit is refused`(text: String) {
        let outcome = RESPReplyFeeder.verify(text, RESPReplyFeeder(limits: Self.tight))
        #expect(outcome.error?.code == .tooLarge)
    }

    @Test func `what is just within the limits is read, reply after reply`() {
        let text =
            "+1234567890\r\n*1\r\n*1\r\n*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n$40\r\n"
            + String(repeating: "x", count: 40) + "\r\n%3\r\n:1\r\n:1\r\n:2\r\n:2\r\n:3\r\n:3\r\n"
        let outcome = RESPReplyFeeder.verify(text, RESPReplyFeeder(limits: Self.tight))
        #expect(outcome.error == nil)
        #expect(outcome.replies.count == 4)
    }

    @Test func `an announced payload has a limit of its own`() {
        let within = RESPReplyFeeder(limits: Self.tight, announcesPayloads: true)
        #expect(RESPReplyFeeder.verify("$20\r\n12345678901234567890\r\n", within).error == nil)
        #expect(RESPReplyFeeder.verify("$21\r\n", within).error?.code == .tooLarge)
    }

    @Test func `an endless nesting costs no more than its limit`() {
        let text = String(repeating: "*1\r\n", count: 10_000)
        var feeder = RESPReplyFeeder()
        feeder.feed(text.utf8)
        #expect(feeder.outcome.error?.code == .tooLarge)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `damaged streams trap nowhere and come to the same however they arrive`(seed: UInt64) {
        var generator = SplitMix(seed: seed)
        var stream = Array(
            "*2\r\n$3\r\nabc\r\n%1\r\n+k\r\n:12\r\n,1.5\r\n=6\r\ntxt:ab\r\n|1\r\n+a\r\n_\r\n(7\r\n$-1\r\n"
                .utf8
        )
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let index = Int.random(in: stream.indices, using: &generator)
            stream[index] = UInt8(truncatingIfNeeded: generator.next())
        }
        var whole = RESPReplyFeeder(limits: Self.tight)
        whole.feed(stream)
        var byBytes = RESPReplyFeeder(limits: Self.tight)
        for byte in stream { byBytes.feed([byte]) }
        #expect(byBytes.outcome == whole.outcome, "seed \(seed)")
    }
}

@Suite struct `RESP commands` {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func `arguments become bulk strings`() {
        let bytes = RESPCommandEncoding.encode([Array("GET".utf8), [0x0D, 0x0A], []])
        #expect(text(bytes) == "*3\r\n$3\r\nGET\r\n$2\r\n\r\n\r\n$0\r\n\r\n")
    }

    @Test func `a payload stays apart from what surrounds it`() {
        let set = RESPCommandEncoding.split([Array("SET".utf8), Array("k".utf8)], payloadByteCount: 1 << 32)
        #expect(text(set.head) == "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4294967296\r\n")
        #expect(text(set.tail) == "\r\n")
        let leading = [Array("SET".utf8), Array("k".utf8)]
        let trailing = [Array("EX".utf8), Array("9".utf8)]
        let expiring = RESPCommandEncoding.split(leading, payloadByteCount: 2, trailing)
        #expect(text(expiring.head) == "*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n")
        #expect(text(expiring.tail) == "\r\n$2\r\nEX\r\n$1\r\n9\r\n")
    }

    @Test func `commands follow each other`() {
        var bytes: [UInt8] = []
        RESPCommandEncoding.append([Array("PING".utf8)], to: &bytes)
        RESPCommandEncoding.append([Array("PING".utf8)], to: &bytes)
        #expect(text(bytes) == "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n")
    }
}
