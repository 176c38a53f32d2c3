/// A parsed reply, or a part of one, of RESP 2 or 3.
///
/// - Source: Redis serialization protocol specification, versions 2 and 3.
public enum RESPValue: Hashable, Sendable {
    /// `+`: a short text.
    case simpleString(String)
    /// `-` or `!`: what the server says instead of an answer; the first word is the kind, such as `ERR`.
    case error(String)
    /// `:`: a whole number.
    case integer(Int64)
    /// `$`: bytes.
    case bulkString([UInt8])
    /// `_`, and RESP 2's `$-1` and `*-1`: nothing, as for an absent key.
    case null
    /// `#`: true or false.
    case boolean(Bool)
    /// `,`: a floating-point number.
    case double(Double)
    /// `(`: a whole number of any size, as its digits.
    case bigNumber(String)
    /// `=`: text with a format of three characters, such as `txt`.
    case verbatimString(format: String, bytes: [UInt8])
    /// `*`: values in order.
    case array([RESPValue])
    /// `%`: keys and values, as they came.
    case map([RESPMapEntry])
    /// `~`: values that should differ from each other; nothing checks that they do.
    case set([RESPValue])
    /// `>`: what the server sends unasked, between replies.
    case push([RESPValue])

    /// The bytes of a simple, bulk or verbatim string; `nil` for everything else.
    public var bytes: [UInt8]? {
        switch self {
        case .simpleString(let text): Array(text.utf8)
        case .bulkString(let bytes), .verbatimString(_, let bytes): bytes
        default: nil
        }
    }

    /// The kind, for messages.
    public var kind: String {
        switch self {
        case .simpleString: "a simple string"
        case .error: "an error"
        case .integer: "an integer"
        case .bulkString: "a bulk string"
        case .null: "null"
        case .boolean: "a boolean"
        case .double: "a double"
        case .bigNumber: "a big number"
        case .verbatimString: "a verbatim string"
        case .array: "an array"
        case .map: "a map"
        case .set: "a set"
        case .push: "a push"
        }
    }
}

/// One key of a map and its value.
public struct RESPMapEntry: Hashable, Sendable {
    /// The key.
    public let key: RESPValue
    /// The value.
    public let value: RESPValue

    /// Creates an entry.
    public init(key: RESPValue, value: RESPValue) {
        self.key = key
        self.value = value
    }
}
