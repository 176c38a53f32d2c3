/// Where a setting comes from.
public enum ConfigurationOrigin: Hashable, Sendable {
    /// Nobody said anything.
    case `default`
    /// A line of a file, from 1.
    case file(path: String, line: Int)
    /// A variable of the environment.
    case environment(variable: String)
    /// An option of the command line, with its dashes.
    case flag(name: String)

    /// The beginning of a message about the setting called `name` there.
    internal func prefix(for name: String) -> String {
        switch self {
        case .default: "\(name): "
        case .file: "\(self): \(name): "
        case .environment, .flag: "\(self): "
        }
    }
}

extension ConfigurationOrigin: CustomStringConvertible {
    /// `default`, `cache.yaml:7`, `LMCACHE_CHUNK_SIZE` or `--port`.
    public var description: String {
        switch self {
        case .default: "default"
        case .file(let path, let line): "\(path):\(line)"
        case .environment(let variable): variable
        case .flag(let name): name
        }
    }
}
