import RepriseCore
import RepriseWire
import Testing

/// Announced values one step at a time, and lines at their limit.
@Suite struct RESPCommandDecoderValueTests {
    /// Values above four bytes are announced, and kept up to eight; lines have at most sixteen bytes.
    private static func decoder() -> RESPCommandDecoder {
        var limits = RESPLimits()
        limits.lineByteCountMax = 16
        limits.unannouncedByteCountMax = 4
        limits.keptArgumentByteCountMax = 8
        return RESPCommandDecoder(limits: limits)
    }

    private static func error(of text: String) -> String? {
        var decoder = decoder()
        do throws(WireError) {
            _ = try decoder.decode(Array(text.utf8).rawSpan)
            return nil
        } catch {
            return error.message
        }
    }

    /// A command's arguments as text, announced ones as their length.
    private static func texts(_ decoder: RESPCommandDecoder) -> [String] {
        decoder.arguments.map { argument in
            guard let bytes = argument.bytes(in: decoder.heldBytes.rawSpan) else {
                return "(\(argument.byteCount))"
            }
            return String(decoding: (0..<bytes.byteCount).map { bytes.loadByte(at: $0) }, as: UTF8.self)
        }
    }

    @Test func `one value is kept and the next taken out of the same command`() throws {
        var decoder = Self.decoder()
        let head = Array("*5\r\n$1\r\nM\r\n$5\r\n12345\r\n$6\r\n".utf8)
        #expect(try decoder.decode(head.rawSpan) == .value(byteCount: 15, valueByteCount: 5))
        decoder.keepArgument()
        #expect(try decoder.decode(head.rawSpan) == .value(byteCount: 26, valueByteCount: 6))
        decoder.acceptValue(in: head.rawSpan)
        #expect(decoder.isHeld && Self.texts(decoder) == ["M", "12345", "(6)"])
        let tail = Array("\r\n$2\r\nxy\r\n$7\r\n7654321\r\nPING\r\n".utf8)
        #expect(try decoder.decode(tail.rawSpan) == .value(byteCount: 14, valueByteCount: 7))
        decoder.keepArgument()
        #expect(try decoder.decode(tail.rawSpan) == .command(byteCount: 23))
        #expect(Self.texts(decoder) == ["M", "12345", "(6)", "xy", "7654321"])
        decoder.finish()
        #expect(try decoder.decode(tail.rawSpan.extracting(23...)) == .command(byteCount: 6))
        #expect(Self.texts(decoder) == ["PING"])
    }

    @Test func `a command is decoded anew after it was given up`() throws {
        var decoder = Self.decoder()
        let command = Array("*2\r\n$4\r\nECHO\r\n$5\r\n12345\r\n".utf8)
        for _ in 0..<3 {
            #expect(try decoder.decode(command.rawSpan) == .value(byteCount: 18, valueByteCount: 5))
            decoder.keepArgument()
            #expect(try decoder.decode(command.rawSpan) == .command(byteCount: command.count))
            #expect(decoder.isAmidCommand && decoder.arguments.count == 2)
            decoder.finish()
            #expect(!decoder.isAmidCommand && decoder.arguments.isEmpty)
        }
    }

    @Test(arguments: ["*1\r\n$5\r\n12345", "*1\r\n$5\r\n12345\r", "*1\r\n$0\r\n", "*1\r\n$0", "*1", "*"])
    func `a command without its end waits`(text: String) throws {
        var decoder = Self.decoder()
        var step = try decoder.decode(Array(text.utf8).rawSpan)
        if case .value = step {
            decoder.keepArgument()
            step = try decoder.decode(Array(text.utf8).rawSpan)
        }
        #expect(step == .needsBytes)
    }

    @Test(arguments: [
        ("*", "mbulk count", 1), ("*1\r\n$", "bulk count", 1),
    ])
    func `a line is too long whether its end has come or not`(start: String, name: String, mark: Int) {
        let digits = String(repeating: "0", count: 16 - mark)
        #expect(Self.error(of: start + digits) == nil)
        #expect(Self.error(of: start + digits + "\r\n")?.hasPrefix("Protocol error: invalid") == true)
        for end in ["", "\r", "\r\n"] {
            #expect(Self.error(of: start + digits + "0" + end) == "Protocol error: too big \(name) string")
        }
    }

    @Test func `an inline command is too long whether its end has come or not`() {
        let line = String(repeating: "x", count: 16)
        for end in ["", "\n"] {
            #expect(Self.error(of: line + end) == nil)
            #expect(Self.error(of: line + "x" + end) == "Protocol error: too big inline request")
        }
    }

    @Test(arguments: ["*2\r\n$5\r\n", "*1\r\n$1\r\n", "", "PING\r\n"])
    func `a value is taken out only where one was announced`(text: String) async {
        // The first is announced and the others are not.
        await #expect(processExitsWith: text.hasPrefix("*2") ? .success : .failure) { [text] in
            var decoder = RESPCommandDecoderValueTests.decoder()
            let bytes = Array(text.utf8)
            _ = try decoder.decode(bytes.rawSpan)
            if text == "*1\r\n$1\r\n" { decoder.finish() }
            decoder.acceptValue(in: bytes.rawSpan)
        }
    }

    @Test(arguments: [8, 9])
    func `a value is kept only within the limit`(byteCount: Int) async {
        await #expect(processExitsWith: byteCount == 8 ? .success : .failure) { [byteCount] in
            var decoder = RESPCommandDecoderValueTests.decoder()
            _ = try decoder.decode(Array("*1\r\n$\(byteCount)\r\n".utf8).rawSpan)
            decoder.keepArgument()
        }
    }
}
