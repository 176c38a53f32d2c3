internal import RepriseCore

/// The commands that a node answers, a container with subcommands as one.
enum RESPCommand: UInt8, CaseIterable {
    // Keys and values.
    case get, set, exists, mget, mset, strlen, setnx, setex, psetex, getset, getdel, getex
    case del, unlink, touch, type, ttl, pttl, expiretime, pexpiretime
    case expire, pexpire, expireat, pexpireat, persist
    case scan, keys, randomkey, dbsize, flushdb, flushall, memory
    // Connections.
    case ping, echo, hello, auth, select, quit, reset, client, readonly, readwrite
    // The server.
    case command, config, info, time, cluster, role

    /// The command's name, in lower case.
    var name: String { String(describing: self) }

    /// What a client may know of the command.
    var specification: RESPCommandSpecification { RESPCommandTable.specifications[Int(rawValue)] }

    /// Whether the command returns values and changes nothing.
    var onlyReads: Bool { self == .get || self == .mget }

    /// Whether an argument is a value to store, which may be long; arguments count from 0, the name.
    func takesValue(at index: Int) -> Bool {
        switch self {
        case .set, .setnx, .getset: index == 2
        case .setex, .psetex: index == 3
        case .mset: index >= 2 && index.isMultiple(of: 2)
        default: false
        }
    }

    /// Finds a command by its name, in upper or lower case.
    ///
    /// - Complexity: O(1).
    static func find(_ name: RawSpan) -> RESPCommand? {
        guard let word = ShortName(name) else { return nil }
        return RESPCommandTable.byName[word]
    }
}

/// A name of up to 16 bytes as two words, in lower case: found without a string.
struct ShortName: Hashable {
    private let low: UInt64
    private let high: UInt64

    /// The name's words; `nil` for a longer one.
    init?(_ name: RawSpan) {
        guard name.byteCount > 0, name.byteCount <= 16 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for index in 0..<name.byteCount {
            var byte = name.loadByte(at: index)
            // A zero byte is none of a name's, and would look like the end of a shorter one.
            if byte == 0 { return nil }
            if byte >= 0x41, byte <= 0x5a { byte |= 0x20 }
            if index < 8 {
                words.0 |= UInt64(byte) << UInt64(index * 8)
            } else {
                words.1 |= UInt64(byte) << UInt64(index * 8 - 64)
            }
        }
        (low, high) = words
    }

    init?(_ name: String) { self.init(Array(name.utf8).rawSpan) }

    /// A number that differs between the names of the commands.
    var mixed: UInt64 { (low ^ high &* 0x9E37_79B9_7F4A_7C15) &* 0xBF58_476D_1CE4_E5B9 }
}
