import RepriseWire
import Testing

@Suite struct `RESP replies` {
    private static func bulk(_ text: String) -> RESPValue { .bulkString(Array(text.utf8)) }

    @Test(arguments: [
        ("+OK\r\n", RESPValue.simpleString("OK")),
        ("+\r\n", .simpleString("")),
        ("-ERR no such thing\r\n", .error("ERR no such thing")),
        (":0\r\n", .integer(0)),
        (":-9223372036854775808\r\n", .integer(.min)),
        (":+7\r\n", .integer(7)),
        ("$5\r\nhello\r\n", bulk("hello")),
        ("$0\r\n\r\n", bulk("")),
        ("$4\r\n\r\n\r\n\r\n", bulk("\r\n\r\n")),
        ("$-1\r\n", .null),
        ("*-1\r\n", .null),
        ("_\r\n", .null),
        (",3.25\r\n", .double(3.25)),
        (",-1e3\r\n", .double(-1000)),
        (",inf\r\n", .double(.infinity)),
        (",-inf\r\n", .double(-.infinity)),
        ("#t\r\n", .boolean(true)),
        ("#f\r\n", .boolean(false)),
        ("!9\r\nSYNTAX in\r\n", .error("SYNTAX in")),
        ("=9\r\ntxt:a b\r\n\r\n", .verbatimString(format: "txt", bytes: Array("a b\r\n".utf8))),
        (
            "(-3492890328409238509324850943850943825024385\r\n",
            .bigNumber("-3492890328409238509324850943850943825024385")
        ),
        ("*0\r\n", .array([])),
        ("*3\r\n:1\r\n$1\r\nx\r\n_\r\n", .array([.integer(1), bulk("x"), .null])),
        ("%1\r\n+a\r\n:1\r\n", .map([RESPMapEntry(key: .simpleString("a"), value: .integer(1))])),
        ("%0\r\n", .map([])),
        ("~2\r\n:1\r\n:2\r\n", .set([.integer(1), .integer(2)])),
        (">2\r\n+message\r\n+x\r\n", .push([.simpleString("message"), .simpleString("x")])),
    ])
    func `each type is read, however its bytes arrive`(text: String, expected: RESPValue) {
        let outcome = RESPReplyFeeder.verify(text)
        #expect(outcome.error == nil)
        #expect(outcome.replies == [expected])
    }

    @Test func `not a number is read`() {
        // Fed by hand: two outcomes with it are never equal.
        var feeder = RESPReplyFeeder()
        feeder.feed(",nan\r\n".utf8)
        guard case .double(let double)? = feeder.outcome.replies.first else {
            Issue.record("no double")
            return
        }
        #expect(double.isNaN)
    }

    @Test func `aggregates nest`() {
        let text = "*2\r\n*2\r\n:1\r\n*0\r\n%1\r\n$1\r\nk\r\n~1\r\n#t\r\n+next\r\n"
        let outcome = RESPReplyFeeder.verify(text)
        let entry = RESPMapEntry(key: Self.bulk("k"), value: .set([.boolean(true)]))
        #expect(
            outcome.replies == [
                .array([.array([.integer(1), .array([])]), .map([entry])]), .simpleString("next"),
            ]
        )
    }

    @Test func `attributes are dropped and what they describe takes their place`() {
        let text = "|1\r\n+ttl\r\n:3\r\n+OK\r\n*2\r\n|1\r\n+a\r\n*1\r\n:9\r\n:1\r\n:2\r\n|0\r\n_\r\n"
        let outcome = RESPReplyFeeder.verify(text)
        #expect(outcome.replies == [.simpleString("OK"), .array([.integer(1), .integer(2)]), .null])
    }

    @Test func `replies of a pipeline come one after the other`() {
        let outcome = RESPReplyFeeder.verify("+OK\r\n:1\r\n$-1\r\n$2\r\nab\r\n-OOM no\r\n")
        #expect(
            outcome.replies == [.simpleString("OK"), .integer(1), .null, Self.bulk("ab"), .error("OOM no")]
        )
    }

    @Test func `a bulk string of its own is announced, and only that`() {
        let text = "$3\r\nabc\r\n*1\r\n$1\r\nx\r\n$-1\r\n$0\r\n\r\n=5\r\ntxt:z\r\n"
        let outcome = RESPReplyFeeder.verify(text, RESPReplyFeeder(announcesPayloads: true))
        #expect(outcome.payloads == [Array("abc".utf8), []])
        let verbatim = RESPValue.verbatimString(format: "txt", bytes: Array("z".utf8))
        #expect(outcome.replies == [.array([Self.bulk("x")]), .null, verbatim])
    }

    @Test func `a payload that does not end as it must is refused`() {
        let outcome = RESPReplyFeeder.verify("$3\r\nabcdef", RESPReplyFeeder(announcesPayloads: true))
        #expect(outcome.payloads == [Array("abc".utf8)])
        #expect(outcome.error?.code == .badReply)
    }
}
