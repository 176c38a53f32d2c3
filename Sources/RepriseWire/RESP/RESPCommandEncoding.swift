/// Puts commands into bytes: an array of bulk strings, which every RESP server reads.
///
/// - Source: Redis serialization protocol specification, "Sending commands to a Redis server".
public enum RESPCommandEncoding {
    /// A command without one of its arguments, which is sent in between as it lies in memory.
    public struct Split: Hashable, Sendable {
        /// Everything before the payload.
        public let head: [UInt8]
        /// Everything behind it: at least the payload's line end.
        public let tail: [UInt8]
    }

    /// A whole command.
    ///
    /// - Precondition: there is at least one argument, the command's name.
    /// - Complexity: O(bytes).
    public static func encode(_ arguments: [[UInt8]]) -> [UInt8] {
        precondition(!arguments.isEmpty, "a command has a name")
        var bytes: [UInt8] = []
        append(arguments, to: &bytes)
        return bytes
    }

    /// Appends a whole command to the commands before it.
    ///
    /// - Precondition: there is at least one argument, the command's name.
    public static func append(_ arguments: [[UInt8]], to bytes: inout [UInt8]) {
        precondition(!arguments.isEmpty, "a command has a name")
        appendHeader("*", arguments.count, to: &bytes)
        for argument in arguments { append(argument, to: &bytes) }
    }

    /// A command around an argument that is not copied: what goes before it, and what goes behind.
    ///
    /// - Parameters:
    ///   - leading: The arguments before the payload, the command's name first.
    ///   - payloadByteCount: The payload's size.
    ///   - trailing: The arguments behind the payload.
    /// - Precondition: there is a leading argument, and the size is not negative.
    public static func split(
        _ leading: [[UInt8]],
        payloadByteCount: Int,
        _ trailing: [[UInt8]] = []
    ) -> Split {
        precondition(!leading.isEmpty && payloadByteCount >= 0, "a command has a name, and no negative size")
        var head: [UInt8] = []
        appendHeader("*", leading.count + 1 + trailing.count, to: &head)
        for argument in leading { append(argument, to: &head) }
        appendHeader("$", payloadByteCount, to: &head)
        var tail = lineEnd
        for argument in trailing { append(argument, to: &tail) }
        return Split(head: head, tail: tail)
    }

    private static let lineEnd = Array("\r\n".utf8)

    private static func append(_ argument: [UInt8], to bytes: inout [UInt8]) {
        appendHeader("$", argument.count, to: &bytes)
        bytes += argument
        bytes += lineEnd
    }

    private static func appendHeader(_ type: Unicode.Scalar, _ count: Int, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: type))
        bytes += String(count).utf8
        bytes += lineEnd
    }
}
