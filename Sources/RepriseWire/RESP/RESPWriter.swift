internal import RepriseCore

/// Writes replies of either protocol version behind one another.
public struct RESPWriter: Sendable {
    /// The protocol version that the replies are written in.
    public var version: RESPVersion
    /// What has been written.
    public private(set) var bytes: [UInt8] = []

    /// Creates an empty writer.
    public init(version: RESPVersion = .two) {
        self.version = version
    }

    /// Forgets what has been written, and keeps the memory.
    public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    /// `+OK`.
    public mutating func ok() { bytes.append(contentsOf: Self.okBytes) }

    /// A short text without line ends.
    public mutating func simple(_ text: String) {
        bytes.append(UInt8(ascii: "+"))
        line(text)
    }

    /// An error: a code in capital letters and a sentence. Line ends within become spaces.
    public mutating func error(_ text: String) {
        bytes.append(UInt8(ascii: "-"))
        for byte in text.utf8 { bytes.append(byte == 13 || byte == 10 ? 32 : byte) }
        end()
    }

    /// A number.
    public mutating func integer(_ value: Int64) {
        if value == 0 || value == 1 {
            bytes.append(contentsOf: value == 0 ? Self.zeroBytes : Self.oneBytes)
            return
        }
        bytes.append(UInt8(ascii: ":"))
        decimal(value)
        end()
    }

    /// A number.
    public mutating func integer(_ value: Int) { integer(Int64(value)) }

    /// A text of any bytes.
    public mutating func bulk(_ text: String) {
        bulkHeader(byteCount: text.utf8.count)
        bytes.append(contentsOf: text.utf8)
        end()
    }

    /// A text of any bytes.
    public mutating func bulk(_ text: RawSpan) {
        bulkHeader(byteCount: text.byteCount)
        raw(text)
        end()
    }

    /// What comes before the bytes of a text; ``end()`` comes behind them.
    public mutating func bulkHeader(byteCount: Int) { header(UInt8(ascii: "$"), byteCount) }

    /// Bytes as they are.
    public mutating func raw(_ span: RawSpan) {
        bytes.append(copying: span)
    }

    /// A text that is meant to be shown as it is; before version 3 a plain one.
    public mutating func verbatim(_ text: String) {
        guard version == .three else { return bulk(text) }
        header(UInt8(ascii: "="), text.utf8.count + 4)
        bytes.append(contentsOf: "txt:".utf8)
        bytes.append(contentsOf: text.utf8)
        end()
    }

    /// No value.
    public mutating func null() {
        bytes.append(contentsOf: version == .three ? Self.nullBytes : Self.noBulkBytes)
    }

    /// No array.
    public mutating func nullArray() {
        bytes.append(contentsOf: version == .three ? Self.nullBytes : Self.noArrayBytes)
    }

    /// The start of an array of so many values.
    public mutating func array(_ count: Int) { header(UInt8(ascii: "*"), count) }

    /// The start of a map of so many pairs; before version 3 an array of keys and values in turn.
    public mutating func map(_ count: Int) {
        if version == .three { header(UInt8(ascii: "%"), count) } else { array(count * 2) }
    }

    /// The start of a set of so many values; before version 3 an array.
    public mutating func set(_ count: Int) {
        header(version == .three ? UInt8(ascii: "~") : UInt8(ascii: "*"), count)
    }

    /// The end of a line, or of a text's bytes.
    public mutating func end() {
        bytes.append(13)
        bytes.append(10)
    }

    private static let okBytes = Array("+OK\r\n".utf8)
    private static let zeroBytes = Array(":0\r\n".utf8)
    private static let oneBytes = Array(":1\r\n".utf8)
    private static let nullBytes = Array("_\r\n".utf8)
    private static let noArrayBytes = Array("*-1\r\n".utf8)
    private static let noBulkBytes = Array("$-1\r\n".utf8)

    private mutating func header(_ mark: UInt8, _ count: Int) {
        bytes.append(mark)
        decimal(Int64(count))
        end()
    }

    private mutating func line(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        end()
    }

    private mutating func decimal(_ value: Int64) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        let start = bytes.count
        repeat {
            bytes.append(UInt8(0x30 + rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }
}
