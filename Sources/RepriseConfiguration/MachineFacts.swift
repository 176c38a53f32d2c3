/// What defaults depend on.
public struct MachineFacts: Sendable {
    /// Bytes of memory that the process may use.
    public let memoryByteCount: Int
    /// How many threads serve connections unless told otherwise.
    public let threadCount: Int
    /// The names by which others reach this machine, beside its loopback addresses.
    public let hostNames: [String]

    /// Creates facts.
    public init(memoryByteCount: Int, threadCount: Int, hostNames: [String] = []) {
        self.memoryByteCount = memoryByteCount
        self.threadCount = threadCount
        self.hostNames = hostNames
    }
}
