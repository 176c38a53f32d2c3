/// A connection to a server, as far as keeping it alive needs to know.
internal protocol RemoteStream: ~Copyable {
    /// Whether no failure has closed it yet.
    var isOpen: Bool { get }
    /// When its calls give up.
    var deadline: ContinuousClock.Instant? { get set }
    /// Closes it.
    mutating func close()
}

extension LMConnection: RemoteStream {}
extension RESPConnection: RemoteStream {}

/// A connection that is made when it is needed, and made anew when the peer has closed it.
///
/// A call that finds the connection closed by the peer is done once more on a new one. A call that runs out
/// of time, or that the peer answers with what is no answer, is not.
internal struct Reconnecting<Stream: RemoteStream & ~Copyable>: ~Copyable {
    /// The most attempts of one call to connect.
    static var connectCountMax: Int { 2 }

    private var stream: Stream?
    private var hasStream = false
    /// Whether it was closed for good.
    private(set) var isClosed = false
    private let connect: () throws(RemoteError) -> Stream
    /// When calls give up.
    var deadline: ContinuousClock.Instant?

    init(_ connect: @escaping () throws(RemoteError) -> Stream) { self.connect = connect }

    /// Does something with the connection, which need not exist yet.
    ///
    /// - Throws: What `body` throws; `closed` after ``close()``.
    mutating func perform<Result>(
        _ body: (inout Stream) throws(RemoteError) -> Result
    ) throws(RemoteError) -> Result {
        guard !isClosed else { throw RemoteError(.closed, "the connector was closed") }
        let isOld = hasStream
        do throws(RemoteError) {
            return try performOnce(body)
        } catch  where error.code == .closed && isOld {
            return try performOnce(body)
        }
    }

    private mutating func performOnce<Result>(
        _ body: (inout Stream) throws(RemoteError) -> Result
    ) throws(RemoteError) -> Result {
        var stream = try connected()
        stream.deadline = deadline
        let outcome: Swift.Result<Result, RemoteError>
        do throws(RemoteError) {
            outcome = .success(try body(&stream))
        } catch {
            outcome = .failure(error)
        }
        if stream.isOpen {
            self.stream = consume stream
            hasStream = true
        }
        return try outcome.get()
    }

    private mutating func connected() throws(RemoteError) -> Stream {
        hasStream = false
        if let stream = stream.take() { return stream }
        for _ in 1..<Self.connectCountMax {
            do throws(RemoteError) {
                return try connect()
            } catch  where error.code == .refused || error.code == .closed {
                continue
            }
        }
        return try connect()
    }

    /// Closes the connection for good.
    mutating func close() {
        stream = nil
        hasStream = false
        isClosed = true
    }
}
