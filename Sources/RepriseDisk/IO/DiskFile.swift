internal import RepriseCore

/// One file of a disk backend, read and written at positions; the seam between the backend and the system.
///
/// Calls block, are made by ``IOEngine``s only, and may come from several threads at once.
public protocol DiskFile: AnyObject, Sendable {
    /// Reads into buffers, one after the other, from a position on.
    ///
    /// - Returns: How many bytes were read: fewer than asked for at the end of the file.
    func read(into buffers: [UnsafeMutableRawBufferPointer], at offset: Int) throws(DiskIOError) -> Int

    /// Writes buffers, one after the other, from a position on, all of them or an error.
    func write(from buffers: [UnsafeRawBufferPointer], at offset: Int) throws(DiskIOError)

    /// Makes what was written survive the loss of power.
    func sync() throws(DiskIOError)

    /// Bytes of the file.
    func byteCount() throws(DiskIOError) -> Int

    /// Makes the file this long and takes its room from the file system.
    func allocate(byteCount: Int) throws(DiskIOError)

    /// Whether transfers go past the page cache.
    var isDirect: Bool { get }
}

/// A directory that holds the files of one disk backend.
public protocol DiskDirectory: AnyObject, Sendable {
    /// Opens a file, and makes it if it is not there and `creating`.
    ///
    /// - Parameter isDirect: Whether transfers go past the page cache: offsets, lengths and addresses are
    ///   then whole pages.
    func open(_ name: String, creating: Bool, isDirect: Bool) throws(DiskIOError) -> any DiskFile

    /// Whether a file is there.
    func contains(_ name: String) throws(DiskIOError) -> Bool

    /// Removes a file; nothing happens when it is not there.
    func remove(_ name: String) throws(DiskIOError)

    /// Makes the names of the files survive the loss of power.
    func sync() throws(DiskIOError)

    /// Bytes that the file system could still give.
    func freeByteCount() throws(DiskIOError) -> Int
}

/// Why a call to a file failed.
public struct DiskIOError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The system's error number.
    public let errorNumber: Int32
    /// The call that failed.
    public let call: String

    /// Creates an error from what a call left in `errno`.
    public init(errorNumber: Int32, call: String) {
        self.errorNumber = errorNumber
        self.call = call
    }

    /// The system's number for a file system that is full.
    package static let noSpace: Int32 = 28

    /// The call and the system's sentence.
    public var description: String { "\(call): \(systemMessage(errorNumber))" }
}
