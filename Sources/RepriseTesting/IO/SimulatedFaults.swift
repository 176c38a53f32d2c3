/// How often calls to a simulated disk go wrong, each as a chance between 0 and 1.
public struct SimulatedFaults: Hashable, Sendable {
    /// A read fails with EIO.
    public var readError = 0.0
    /// A write fails with EIO, perhaps with some of its sectors written.
    public var writeError = 0.0
    /// A write fails with ENOSPC, with nothing written.
    public var noSpace = 0.0
    /// A sync fails with EIO.
    public var syncError = 0.0
    /// A read returns fewer bytes.
    public var shortRead = 0.0
    /// One bit of what is read is another.
    public var flippedRead = 0.0
    /// One bit of what is written is another.
    public var flippedWrite = 0.0
    /// A write says that it is done, and is not.
    public var lostWrite = 0.0
    /// A write goes to another page of the file.
    public var misdirectedWrite = 0.0
    /// An earlier write is done once more after this one.
    public var repeatedWrite = 0.0

    /// Creates faults that never happen.
    public init() {}

    /// Whether the device may say that something is done which is not, so that nothing it says can be relied
    /// on.
    public var lies: Bool {
        flippedWrite > 0 || lostWrite > 0 || misdirectedWrite > 0 || repeatedWrite > 0
    }
}
