public import RepriseCore
public import RepriseHashing

/// Why an engine could not do what it was asked for.
public enum EngineError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The tokens or their mask are wrong.
    case tokens(HashingError)
    /// Memory or a placement is wrong.
    case storage(StorageError)
    /// A chunk's layer has no key in the form of the engine's keys.
    case key(KeyError)
    /// A layer-wise store or retrieval was not done layer by layer.
    case layers(LayerOrderError)

    /// What was wrong, and what to do.
    public var description: String {
        switch self {
        case .tokens(let error): "\(error)"
        case .storage(let error): "\(error)"
        case .key(let error): "\(error)"
        case .layers(let error): "\(error)"
        }
    }
}
