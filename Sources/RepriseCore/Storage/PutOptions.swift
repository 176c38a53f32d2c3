/// Whether a put takes effect, decided when it commits.
public enum PutCondition: UInt8, Hashable, Sendable, BitwiseCopyable {
    /// In any case.
    case always
    /// Only when the key is not stored (Redis: NX).
    case ifAbsent
    /// Only when the key is stored (Redis: XX).
    case ifPresent

    func holds(isPresent: Bool) -> Bool {
        switch self {
        case .always: true
        case .ifAbsent: !isPresent
        case .ifPresent: isPresent
        }
    }
}

/// When a value that is put expires.
public enum PutExpiry: Hashable, Sendable, BitwiseCopyable {
    /// It stays until it is evicted, removed or replaced.
    case never
    /// When the value that it replaces would have expired (Redis: KEEPTTL).
    case kept
    /// At a time, in milliseconds since 1970; one that has passed removes the key.
    case at(milliseconds: Int64)
}

/// Whether an entry's new deadline takes effect.
public struct DeadlineCondition: OptionSet, Hashable, Sendable, BitwiseCopyable {
    /// The options' bits.
    public let rawValue: UInt8

    /// Creates a condition from its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Only when the entry does not expire (Redis: NX).
    public static let ifNone = DeadlineCondition(rawValue: 1)
    /// Only when the entry expires (Redis: XX).
    public static let ifSome = DeadlineCondition(rawValue: 2)
    /// Only when the new deadline is later; no deadline is the latest (Redis: GT).
    public static let ifLater = DeadlineCondition(rawValue: 4)
    /// Only when the new deadline is earlier (Redis: LT).
    public static let ifEarlier = DeadlineCondition(rawValue: 8)

    func holds(old: Int64?, new: Int64) -> Bool {
        if contains(.ifNone), old != nil { return false }
        if contains(.ifSome), old == nil { return false }
        if contains(.ifLater), new <= old ?? .max { return false }
        if contains(.ifEarlier), new >= old ?? .max { return false }
        return true
    }
}
