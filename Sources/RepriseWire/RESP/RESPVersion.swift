/// A version of the Redis serialization protocol, chosen by HELLO.
public enum RESPVersion: Int, Hashable, Sendable {
    /// What a connection begins with.
    case two = 2
    /// Adds nulls, maps, sets, verbatim texts and more.
    case three = 3
}
