/// One argument of a command as the decoder found it.
public enum RESPArgument: Hashable, Sendable, BitwiseCopyable {
    /// Bytes of the command: `byteCount` of them at `offset`.
    case kept(offset: Int, byteCount: Int)
    /// An announced argument that the caller has received or dropped by itself.
    case announced(byteCount: Int)

    /// The argument's length.
    public var byteCount: Int {
        switch self {
        case .kept(_, let byteCount), .announced(let byteCount): byteCount
        }
    }

    /// The argument's bytes within those of the command; `nil` for an announced one.
    @_lifetime(copy bytes)
    public func bytes(in bytes: RawSpan) -> RawSpan? {
        guard case .kept(let offset, let byteCount) = self else { return nil }
        return bytes.extracting(offset..<(offset + byteCount))
    }
}
