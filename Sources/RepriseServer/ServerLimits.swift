public import RepriseWire

/// The named limits of a ``Server``.
public struct ServerLimits: Sendable {
    /// The most connections at once; further ones are closed as soon as they are accepted.
    public var connectionCountMax = 10_000
    /// The largest payload of a PUT; a larger one is read to its end and dropped.
    public var valueByteCountMax = 4 << 30
    /// The most replies that wait to be sent on one connection; beyond it further requests wait unanswered.
    public var requestDepthMax = 16_384
    /// The most bytes of values and texts held by unsent replies of one connection; beyond it further
    /// requests wait unanswered.
    public var heldByteCountMax = 256 << 20
    /// The most bytes of requests that wait unanswered on one connection; beyond it the connection is not
    /// read. Less the part of one read that came with them.
    public var pendingByteCountMax = 3 << 20
    /// The same over all connections of one thread: beyond it, connections whose requests wait are not read.
    public var threadPendingByteCountMax = 64 << 20
    /// A connection is read up to here also while its thread keeps ``threadPendingByteCountMax`` bytes of
    /// requests that are not complete.
    public var smallRequestByteCountMax = 64 << 10
    /// The most bytes of values held by unsent replies of all connections, as a part of the memory: one over
    /// this.
    public var heldFractionDivisor = 2
    /// With no more than this held, one value may pass that part of the memory, or it could never be read.
    public var heldByteCountNegligible = 64 << 10
    /// Limits on the commands of RESP clients.
    public var resp = RESPLimits()
    /// Limits on what clients of the local protocol hold.
    public var local = LocalSessionLimits()
    /// How long a PUT waits for others' reservations to end, and a GET for others' replies to be sent; then
    /// the PUT is dropped and the GET is answered as a miss.
    public var roomWaitMax: Duration = .seconds(10)
    /// How long a request waits for values to be read from a disk; those that have not come are then misses.
    public var loadTimeMax: Duration = .seconds(10)
    /// How often a request may wait again for values that it has waited for and that have left the memory
    /// before it was tried again; they are then misses.
    public var loadRoundCountMax = 16
    /// How long replies wait for a disk to record what they acknowledge; then the connection is closed
    /// without them.
    public var recordTimeMax: Duration = .seconds(10)
    /// The slowest average rate, in bytes a second over ``transferRateWindow``, at which an unfinished
    /// transfer may go on; 0 allows any.
    public var minimumTransferRate = 4096
    /// The time over which a transfer's rate is averaged.
    public var transferRateWindow: Duration = .seconds(30)
    /// The time that replaces ``transferRateWindow`` for a PUT under way while others wait for the room that
    /// it has reserved.
    public var contendedRateWindow: Duration = .seconds(2)
    /// How long a thread polls for the next request, where few connections are active, before it sleeps: the
    /// next request of a client that waits for each answer comes sooner than a sleeping thread wakes up. 0
    /// polls never.
    public var busyPollTimeMax: Duration = .microseconds(100)
    /// The same where the client is one that holds memory: it copies, which takes longer than an answer does,
    /// and then comes back.
    public var copyPollTimeMax: Duration = .milliseconds(1)
    /// How long a stopping server waits for transfers in flight.
    public var drainTimeMax: Duration = .seconds(30)
    /// How long a connection that the server ends is kept for the peer to read its last replies: as long as
    /// something arrives that nobody reads, closing would destroy what has not been delivered.
    public var lingerTimeMax: Duration = .seconds(2)
    /// The most bytes read from one connection before the others have their turn.
    public var readByteCountPerTurn = 4 << 20
    /// The bytes sent on one connection after which the others have their turn.
    public var sendByteCountPerTurn = 4 << 20

    /// Creates the default limits.
    public init() {}
}
