public import RepriseCore
public import RepriseDisk
public import RepriseRemote

/// The composition root: makes the concrete parts of one node from a typed configuration.
public final class Node: Sendable {
    /// The values in memory.
    public let memory: LocalCPUBackend
    /// The disks behind it.
    public let disk: LocalDiskBackend?
    /// The remote store behind them.
    public let remote: RemoteBackend?
    /// What other nodes have.
    public let peers: PeerBackend?
    /// Who has what.
    public let directory: RESPLookupDirectory?
    /// What the server stores to and reads from.
    public let server: any LMSBackend
    private let stack: TierStack?
    private let expiryTimer: ExpiryTimer

    /// Makes a node: takes its memory and populates the first part of it.
    ///
    /// - Throws: `unsupported` for a device that a cache server cannot serve from; `invalidArgument` for a
    ///   lookup directory that is no Redis or Valkey; else as ``MemoryPool/init(_:)``.
    public init(_ configuration: NodeConfiguration) throws(StorageError) {
        let pool = try MemoryPool(configuration.memory)
        memory = LocalCPUBackend(
            pool: pool,
            evictor: configuration.evictionPolicy.makeEvictor(),
            limits: configuration.limits
        )
        directory = try configuration.lookup.map(Node.makeDirectory)
        disk = try Node.makeDiskBackend(configuration, memory: memory, directory: directory)
        remote = configuration.remote.map { [memory] remote in
            var limits = remote.limits
            // What waits to be put cannot be evicted: a slow store must leave most of the memory to clients.
            let share = memory.pool.capacityByteCount / RemoteConfiguration.queuedFractionDivisor
            limits.queuedByteCountMax = min(limits.queuedByteCountMax, share)
            return RemoteBackend(memory: memory, url: remote.url, limits: limits, serde: remote.serde)
        }
        peers = directory.map { [memory] directory in
            let limits = configuration.lookup?.peerLimits ?? PeerLimits()
            return PeerBackend(memory: memory, directory: directory, limits: limits)
        }
        stack = Node.makeStack(memory: memory, disk: disk, peers: peers, remote: remote, directory: directory)
        if let attached: any SlowerTier = stack ?? disk { memory.attach(attached) }
        server = try Node.makeServerBackend(configuration, memory: memory, disk: disk, stack: stack)
        expiryTimer = ExpiryTimer(memory)
    }

    /// Writes what is queued for the disks, saves their indexes and lets go of everything; calling it again
    /// does nothing.
    public func close() {
        // Memory and what is behind it know each other: closed, they do not.
        stack?.close()
        disk?.close()
        memory.close()
    }

    private static func makeDirectory(_ lookup: LookupConfiguration) throws(StorageError)
        -> RESPLookupDirectory
    {
        do throws(RemoteError) {
            return try RESPLookupDirectory(lookup.url, holder: lookup.holder, limits: lookup.limits)
        } catch {
            throw StorageError(.invalidArgument, error.message)
        }
    }

    /// What is behind the memory, unless that is disks alone.
    private static func makeStack(
        memory: LocalCPUBackend,
        disk: LocalDiskBackend?,
        peers: PeerBackend?,
        remote: RemoteBackend?,
        directory: RESPLookupDirectory?
    ) -> TierStack? {
        guard remote != nil || directory != nil else { return nil }
        return TierStack(memory: memory, disk: disk, peers: peers, remote: remote, directory: directory)
    }

    private static func makeDiskBackend(
        _ configuration: NodeConfiguration,
        memory: LocalCPUBackend,
        directory: (any LookupDirectory)?
    ) throws(StorageError) -> LocalDiskBackend? {
        guard !configuration.disks.isEmpty else { return nil }
        return try LocalDiskBackend(
            configuration.disks,
            memory: memory,
            lookupDirectory: directory.map { DiskKeys(memory: memory, directory: $0) },
            report: configuration.report
        )
    }

    /// Makes the storage of a cache server by the name of its device, as LMCache's server does.
    ///
    /// - Throws: `unsupported` for anything but `cpu`.
    private static func makeServerBackend(
        _ configuration: NodeConfiguration,
        memory: LocalCPUBackend,
        disk: LocalDiskBackend?,
        stack: TierStack?
    ) throws(StorageError) -> any LMSBackend {
        guard configuration.device == .cpu else {
            throw StorageError(
                .unsupported,
                "unsupported device: \(configuration.device); a cache server stores to 'cpu'"
            )
        }
        return LMSLocalBackend(
            memory,
            attached: stack ?? disk,
            disk: disk,
            evictionPolicy: configuration.evictionPolicy
        )
    }
}
