/// Carries out blocking I/O, on threads of its own or under a test's control.
///
/// Requests of a lower priority number come first; within one priority they begin in the order of their
/// submission, and may run at the same time.
public protocol IOEngine: AnyObject, Sendable {
    /// Queues a request. Never blocks, and never calls the request's work on the calling thread.
    func submit(_ request: IORequest)

    /// Lets the calling thread, which would only wait otherwise, carry out requests, too: from the first that
    /// `begin` submits on, until none waits or `isDone` says so. It takes none from the background.
    ///
    /// An engine that cannot do that does nothing but `begin`.
    func assist(_ begin: () -> Void, until isDone: () -> Bool)

    /// How long the longest call that has not returned has taken so far.
    var longestRunMilliseconds: Int64 { get }

    /// Waits until every request that was submitted has ended, and ends the threads; later requests are
    /// dropped.
    func close()
}

extension IOEngine {
    /// Does nothing but `begin`.
    public func assist(_ begin: () -> Void, until isDone: () -> Bool) { begin() }
}

/// One piece of work that does at most one call to a ``DiskFile``, or a few of one batch.
public struct IORequest: Sendable {
    /// Which requests go first.
    public enum Priority: Int, Comparable, Sendable, CaseIterable {
        /// Somebody waits for a value.
        case read
        /// Somebody waits for a change to be recorded.
        case record
        /// A value is written behind.
        case write
        /// Nobody waits: snapshots, probes.
        case background

        /// Whether requests of one priority go before those of another.
        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// Which requests go first.
    public let priority: Priority
    /// Memory that the request keeps in use, in bytes.
    public let byteCount: Int
    /// What to do, on a thread that may block; called once. It handles its own failures.
    public let perform: @Sendable () -> Void

    /// Creates a request.
    public init(priority: Priority, byteCount: Int = 0, perform: @escaping @Sendable () -> Void) {
        self.priority = priority
        self.byteCount = byteCount
        self.perform = perform
    }
}
