/// Where the values that a backend returns are wanted.
public enum Device: Hashable, Sendable, CustomStringConvertible {
    /// Host memory.
    case cpu
    /// A CUDA device; `nil` means the current one.
    case cuda(index: Int?)

    /// Creates a device from its name: `cpu`, `cuda` or `cuda:N`.
    ///
    /// - Throws: `invalidArgument` for any other text.
    public init(name: String) throws(StorageError) {
        if name == "cpu" {
            self = .cpu
        } else if name == "cuda" {
            self = .cuda(index: nil)
        } else if name.hasPrefix("cuda:"), name.utf8.dropFirst(5).allSatisfy({ (48...57).contains($0) }),
            let index = Int(name.dropFirst(5))
        {
            self = .cuda(index: index)
        } else {
            throw StorageError(.invalidArgument, "unsupported device '\(name)': use cpu, cuda or cuda:N")
        }
    }

    /// The device's name.
    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): index.map { "cuda:\($0)" } ?? "cuda"
        }
    }
}
