public import RepriseCore
public import RepriseDisk

/// The composition root: makes the concrete parts of one node from a typed configuration.
public final class Node: Sendable {
    /// The values in memory.
    public let memory: LocalCPUBackend
    /// The disks behind it.
    public let disk: LocalDiskBackend?
    /// What the server stores to and reads from.
    public let server: any LMSBackend
    private let expiryTimer: ExpiryTimer

    /// Makes a node: takes its memory and populates the first part of it.
    ///
    /// - Throws: `unsupported` for a device that a cache server cannot serve from; else as
    ///   ``MemoryPool/init(_:)``.
    public init(_ configuration: NodeConfiguration) throws(StorageError) {
        let pool = try MemoryPool(configuration.memory)
        memory = LocalCPUBackend(
            pool: pool,
            evictor: configuration.evictionPolicy.makeEvictor(),
            limits: configuration.limits
        )
        disk = try Node.makeDiskBackend(configuration, memory: memory)
        server = try Node.makeServerBackend(configuration, memory: memory, disk: disk)
        expiryTimer = ExpiryTimer(memory)
    }

    /// Writes what is queued for the disks, saves their indexes and lets go of everything; calling it again
    /// does nothing.
    public func close() {
        // Memory and disk know each other: closed, they do not.
        disk?.close()
        memory.close()
    }

    private static func makeDiskBackend(
        _ configuration: NodeConfiguration,
        memory: LocalCPUBackend
    ) throws(StorageError) -> LocalDiskBackend? {
        guard !configuration.disks.isEmpty else { return nil }
        let disk = try LocalDiskBackend(configuration.disks, memory: memory, report: configuration.report)
        memory.attach(disk)
        return disk
    }

    /// Makes the storage of a cache server by the name of its device, as LMCache's server does.
    ///
    /// - Throws: `unsupported` for anything but `cpu`.
    private static func makeServerBackend(
        _ configuration: NodeConfiguration,
        memory: LocalCPUBackend,
        disk: LocalDiskBackend?
    ) throws(StorageError) -> any LMSBackend {
        guard configuration.device == .cpu else {
            throw StorageError(
                .unsupported,
                "unsupported device: \(configuration.device); a cache server stores to 'cpu'"
            )
        }
        return LMSLocalBackend(memory, disk: disk, evictionPolicy: configuration.evictionPolicy)
    }
}
