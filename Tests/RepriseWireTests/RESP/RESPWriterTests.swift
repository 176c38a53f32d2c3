import RepriseCore
import RepriseWire
import Testing

@Suite struct RESPWriterTests {
    /// What a reply looks like in either version.
    private static func texts(_ write: (inout RESPWriter) -> Void) -> [String] {
        [RESPVersion.two, .three].map { version in
            var writer = RESPWriter(version: version)
            write(&writer)
            return String(decoding: writer.bytes, as: UTF8.self)
        }
    }

    /// What a reply looks like that is the same in both versions.
    private static func text(_ write: (inout RESPWriter) -> Void) -> String {
        let texts = texts(write)
        #expect(texts[0] == texts[1])
        return texts[0]
    }

    @Test func `texts and errors are the same in both versions`() {
        #expect(Self.text { $0.ok() } == "+OK\r\n")
        #expect(Self.text { $0.simple("PONG") } == "+PONG\r\n")
        #expect(Self.text { $0.error("ERR a\r\nb") } == "-ERR a  b\r\n")
        #expect(Self.text { $0.bulk("") } == "$0\r\n\r\n")
        #expect(Self.text { $0.bulk("\u{4E2D}\r\n") } == "$5\r\n\u{4E2D}\r\n\r\n")
        #expect(Self.text { $0.bulk(([0x61, 0x62] as [UInt8]).rawSpan) } == "$2\r\nab\r\n")
        #expect(Self.text { $0.array(0) } == "*0\r\n")
    }

    @Test(arguments: [0, 1, -1, 2, 9, 10, -10, 1_234_567_890, .max, .min] as [Int64])
    func `numbers are written in decimal`(number: Int64) {
        #expect(Self.text { $0.integer(number) } == ":\(number)\r\n")
        #expect(Self.text { $0.integer(Int(number)) } == ":\(number)\r\n")
    }

    @Test func `what version 3 tells apart`() {
        #expect(Self.texts { $0.null() } == ["$-1\r\n", "_\r\n"])
        #expect(Self.texts { $0.nullArray() } == ["*-1\r\n", "_\r\n"])
        #expect(Self.texts { $0.map(12) } == ["*24\r\n", "%12\r\n"])
        #expect(Self.texts { $0.set(3) } == ["*3\r\n", "~3\r\n"])
        #expect(Self.texts { $0.verbatim("a b") } == ["$3\r\na b\r\n", "=7\r\ntxt:a b\r\n"])
    }

    @Test func `replies come behind one another until they are forgotten`() {
        var writer = RESPWriter()
        writer.array(2)
        writer.bulkHeader(byteCount: 1)
        writer.raw(([0x61] as [UInt8]).rawSpan)
        writer.end()
        writer.version = .three
        writer.null()
        #expect(writer.bytes == Array("*2\r\n$1\r\na\r\n_\r\n".utf8))
        writer.removeAll()
        #expect(writer.bytes.isEmpty)
    }
}
