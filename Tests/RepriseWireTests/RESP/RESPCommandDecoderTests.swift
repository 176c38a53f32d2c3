import RepriseCore
import RepriseWire
import Testing

@Suite struct RESPCommandDecoderTests {
    /// Values above four bytes are announced, and kept up to eight.
    private static var smallLimits: RESPLimits {
        var limits = RESPLimits()
        limits.unannouncedByteCountMax = 4
        limits.keptArgumentByteCountMax = 8
        return limits
    }

    private static func encoded(_ arguments: [String]) -> String {
        "*\(arguments.count)\r\n" + arguments.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
    }

    /// What a stream comes to, which must be the same byte by byte as all at once.
    private static func outcome(
        of stream: some Sequence<UInt8>,
        limits: RESPLimits = RESPLimits(),
        isAuthenticated: Bool = true,
        keepsValues: Bool = false
    ) -> RESPCommandFeeder.Outcome {
        let feeder = RESPCommandFeeder(
            limits: limits,
            isAuthenticated: isAuthenticated,
            keepsValues: keepsValues
        )
        var (whole, slow) = (feeder, feeder)
        whole.feed(stream)
        for byte in stream { slow.feed([byte]) }
        #expect(slow.outcome == whole.outcome)
        #expect(slow.isAtStart == whole.isAtStart || whole.outcome.error != nil)
        return whole.outcome
    }

    private static func texts(
        _ stream: String,
        limits: RESPLimits = RESPLimits(),
        keepsValues: Bool = false
    ) -> [[String]] {
        let outcome = outcome(of: stream.utf8, limits: limits, keepsValues: keepsValues)
        #expect(outcome.error == nil)
        return outcome.texts
    }

    @Test(arguments: [
        ["PING"], ["SET", "key", "value"], ["GET", ""], ["", ""], ["ECHO", "\r\n$3\r\n*1\r\n"],
        ["\u{4E2D}", "\u{0}"], Array(repeating: "x", count: 2_000),
        ["SET", "k", String(repeating: "v", count: 16 << 10)],
    ])
    func `a command's arguments are read as they were written`(arguments: [String]) {
        #expect(Self.texts(Self.encoded(arguments)) == [arguments])
    }

    @Test func `pipelined commands are read in turn`() {
        let commands = [["GET", "a"], ["PING"], ["SET", "b", "1"], ["quit"]]
        let stream = commands.map(Self.encoded).joined()
        #expect(Self.texts(stream) == commands)
        #expect(
            Self.texts("PING\r\n" + stream + "GET a\n" + stream) == [["PING"]] + commands + [["GET", "a"]]
                + commands
        )
    }

    @Test(arguments: ["*0\r\n", "*-1\r\n", "*-10\r\n", "\r\n", "\n", "  \t \r\n", "*0\r\n\r\n*0\r\n"])
    func `nothing is skipped`(nothing: String) {
        #expect(Self.texts(nothing).isEmpty)
        let command = Self.encoded(["GET", "a"])
        #expect(Self.texts(nothing + command + nothing + command) == [["GET", "a"], ["GET", "a"]])
    }

    @Test(arguments: [
        ("GET a", ["GET", "a"]), ("  SET\t a   b  ", ["SET", "a", "b"]),
        ("SET a \"b c\"", ["SET", "a", "b c"]),
        ("SET a 'b \"c'", ["SET", "a", "b \"c"]),
        (#"E "\x41\n\r\t\b\a\"\\\q""#, ["E", "A\n\r\t\u{8}\u{7}\"\\q"]),
        (#"E 'a\'b\n'"#, ["E", #"a'b\n"#]), (#"E "" ''"#, ["E", "", ""]), (#"E a"b""#, ["E", "ab"]),
        (#"E "\xZZ""#, ["E", "xZZ"]), ("$3", ["$3"]), ("E \"*1\"", ["E", "*1"]), (#"E a\n"#, ["E", #"a\n"#]),
        // Redis skips all white space between words; a word goes on over the rarer two kinds of it.
        ("\u{B}\u{C}E a\u{B}b\u{C} c", ["E", "a\u{B}b\u{C}", "c"]), ("E \"a\"\u{B}b", ["E", "a", "b"]),
    ])
    func `an inline command is split into words`(line: String, words: [String]) {
        for end in ["\r\n", "\n"] { #expect(Self.texts(line + end) == [words]) }
    }

    @Test(arguments: [
        (["SET", "k", "12345"], ["SET", "k", "value:12345"]),
        (["SET", "k", "12345", "EX", "10"], ["SET", "k", "value:12345", "EX", "10"]),
        (
            ["MSET", "a", "11111", "b", "2", "c", "333333", "d", "4"],
            ["MSET", "a", "value:11111", "b", "2", "c", "value:333333", "d", "4"]
        ),
        (["123456", "\r\n\r\n\r\n", "x"], ["value:123456", "value:\r\n\r\n\r\n", "x"]),
    ])
    func `announced values are received or kept`(arguments: [String], received: [String]) {
        let stream = Self.encoded(arguments) + Self.encoded(["GET", "k"])
        let limits = Self.smallLimits
        #expect(Self.texts(stream, limits: limits) == [received, ["GET", "k"]])
        #expect(Self.texts(stream, limits: limits, keepsValues: true) == [arguments, ["GET", "k"]])
    }

    @Test func `a value is announced before its bytes are there, however often it is asked`() throws {
        var decoder = RESPCommandDecoder()
        let head = Array("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\n".utf8)
        for _ in 0..<2 {
            let step = try decoder.decode(head.rawSpan)
            #expect(step == .value(byteCount: head.count, valueByteCount: 100_000))
        }
        #expect(decoder.isAmidCommand)
        decoder.acceptValue(in: head.rawSpan)
        let end = Array("\r\n".utf8)
        let wait = try decoder.decode(end.rawSpan.extracting(0..<1))
        #expect(wait == .needsBytes)
        let step = try decoder.decode(end.rawSpan)
        #expect(step == .command(byteCount: 2))
        #expect(decoder.arguments.last == .announced(byteCount: 100_000))
        decoder.finish()
        #expect(!decoder.isAmidCommand && decoder.arguments.isEmpty && !decoder.isHeld)
    }

    @Test(arguments: [
        ("*x\r\n", "invalid multibulk length"), ("*\r\n", "invalid multibulk length"),
        ("*+1\r\n", "invalid multibulk length"), ("*01\r\n", "invalid multibulk length"),
        ("*1048577\r\n", "invalid multibulk length"),
        ("*99999999999999999999\r\n", "invalid multibulk length"),
        ("*1\r\n$-1\r\n", "invalid bulk length"), ("*1\r\n$x\r\n", "invalid bulk length"),
        ("*1\r\n$\r\n", "invalid bulk length"), ("*1\r\n$549755813889\r\n", "invalid bulk length"),
        ("*1\r\nxyz\r\n", "expected '$', got 'x'"), ("*1\r\n*1\r\n", "expected '$', got '*'"),
        ("*" + String(repeating: "1", count: 70_000), "too big mbulk count string"),
        ("*1\r\n$" + String(repeating: "1", count: 70_000), "too big bulk count string"),
        (String(repeating: "x", count: 70_000), "too big inline request"),
        ("E \"a\r\n", "unbalanced quotes in request"), ("E 'a\r\n", "unbalanced quotes in request"),
        ("E \"a\"b\r\n", "unbalanced quotes in request"),
    ])
    func `a fault of the framing has Redis's text`(stream: String, text: String) {
        let good = Self.encoded(["GET", "a"])
        let outcome = Self.outcome(of: (good + stream).utf8)
        #expect(outcome.texts == [["GET", "a"]])
        #expect(outcome.error == WireError(.badCommand, "Protocol error: \(text)"))
    }

    @Test(arguments: [("*11\r\n", "multibulk"), ("*1\r\n$16385\r\n", "bulk")])
    func `who has not authenticated has tighter limits`(stream: String, name: String) {
        let outcome = Self.outcome(of: stream.utf8, isAuthenticated: false)
        #expect(outcome.error?.message == "Protocol error: unauthenticated \(name) length")
        #expect(Self.outcome(of: stream.utf8).error == nil)
        let largest = Self.encoded(Array(repeating: "x", count: 9) + [String(repeating: "y", count: 16_384)])
        #expect(Self.outcome(of: largest.utf8, isAuthenticated: false).error == nil)
    }

    @Test func `an argument that is longer than its length is a fault`() {
        let outcome = Self.outcome(of: "*1\r\n$1\r\nabc\r\n".utf8)
        #expect(outcome.error?.code == .badCommand)
    }

    @Test func `a command that is too long is a fault`() {
        var limits = RESPLimits()
        limits.commandByteCountMax = 100
        let short = Self.encoded(Array(repeating: "x", count: 5))
        #expect(Self.texts(short, limits: limits).count == 1)
        let long = Self.encoded(Array(repeating: "x", count: 50))
        #expect(Self.outcome(of: long.utf8, limits: limits).error?.code == .badCommand)
    }

    @Test(arguments: 0..<32 as Range<UInt64>)
    func `random bytes come to the same however they arrive`(seed: UInt64) {
        var generator = SplitMix(seed: seed)
        let pieces = [
            "*1\r\n", "*3\r\n", "$3\r\n", "$6\r\n", "abc", "\r\n", "\r", "\n", "\"", "'", "x", "0", "-", " ",
        ]
        let stream = (0..<200).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
        _ = Self.outcome(of: stream.utf8, limits: Self.smallLimits)
        let commands = (0..<20).map { _ in
            (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                String(repeating: "z", count: Int.random(in: 0...9, using: &generator))
            }
        }
        let outcome = Self.outcome(of: commands.map(Self.encoded).joined().utf8, limits: Self.smallLimits)
        #expect(outcome.error == nil)
        #expect(outcome.commands.map(\.count) == commands.map(\.count))
    }

    @Test(arguments: [
        ("0", 0), ("1", 1), ("-1", -1), ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
        ("9223372036854775808", nil), ("-9223372036854775809", nil), ("", nil), ("-", nil), ("+1", nil),
        ("01", nil), ("-0", nil), ("-01", nil), (" 1", nil), ("1 ", nil), ("1x", nil), ("0x1", nil),
        ("99999999999999999999999", nil), ("--1", nil), ("00", nil), ("1.0", nil),
    ])
    func `a number has one spelling`(text: String, number: Int?) {
        #expect(RESPCommandDecoder.number(Array(text.utf8).rawSpan) == number)
    }
}

extension RESPCommandDecoderTests {
    /// Found by fuzzing: a line over the limit was refused only while its end had not arrived.
    @Test(arguments: [
        ("", "Protocol error: too big inline request"),
        ("*", "Protocol error: too big mbulk count string"),
        ("*1\r\n$", "Protocol error: too big bulk count string"),
    ])
    func `a line over the limit is refused also when its end is there`(start: String, message: String) {
        let line = start + String(repeating: "1", count: RESPLimits().lineByteCountMax + 1) + "\r\n"
        var decoder = RESPCommandDecoder()
        let bytes = Array(line.utf8)
        #expect(throws: WireError(.badCommand, message)) { try decoder.decode(bytes.rawSpan) }
    }
}
