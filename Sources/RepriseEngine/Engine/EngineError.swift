public import RepriseCore
public import RepriseHashing

/// Why an engine could not do what it was asked for.
public enum EngineError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The tokens or their mask are wrong.
    case tokens(HashingError)
    /// Memory or a placement is wrong.
    case storage(StorageError)

    /// What was wrong, and what to do.
    public var description: String {
        switch self {
        case .tokens(let error): "\(error)"
        case .storage(let error): "\(error)"
        }
    }
}
