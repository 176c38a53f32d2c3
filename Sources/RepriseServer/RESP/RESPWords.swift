internal import RepriseCore
internal import RepriseWire

/// The words of one command, where they lie: its name, then its arguments.
struct RESPWords: ~Escapable {
    private let bytes: RawSpan
    private let arguments: [RESPArgument]

    @_lifetime(copy bytes)
    init(_ arguments: [RESPArgument], in bytes: RawSpan) {
        self.bytes = bytes
        self.arguments = arguments
    }

    var count: Int { arguments.count }

    /// A word's bytes; none for an announced one.
    subscript(index: Int) -> RawSpan {
        @_lifetime(copy self)
        get {
            if let word = arguments[index].bytes(in: bytes) { return word }
            return bytes.extracting(0..<0)
        }
    }

    /// Whether a word was announced and not kept.
    func isAnnounced(_ index: Int) -> Bool {
        if case .announced = arguments[index] { true } else { false }
    }

    /// A word as text; bytes that are not UTF-8 are repaired.
    func text(_ index: Int) -> String { String(decoding: [UInt8](copying: self[index]), as: UTF8.self) }

    /// A word as a number, in the one spelling that Redis takes.
    func integer(_ index: Int) -> Int? { RESPCommandDecoder.number(self[index]) }

    /// Whether a word is a keyword, which is given in capital letters; the word may be in either case.
    func isKeyword(_ index: Int, _ keyword: String) -> Bool {
        let word = self[index]
        guard word.byteCount == keyword.utf8.count else { return false }
        for (position, letter) in keyword.utf8.enumerated() {
            let byte = word.loadByte(at: position)
            guard (byte >= 0x61 && byte <= 0x7a ? byte & 0xdf : byte) == letter else { return false }
        }
        return true
    }

    /// A word in lower case, for finding what it names.
    func lowercased(_ index: Int) -> String { text(index).lowercased() }
}
