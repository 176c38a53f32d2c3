public import RepriseDisk

/// What a node, and the library beside it, is told to be: one typed structure for flags, variables and files.
///
/// ``resolve(flags:environment:file:machine:)`` makes it, and says of each setting where it comes from.
public struct Configuration: Sendable {
    /// Where a node listens, whom it serves, and its limits.
    public internal(set) var server = Server()
    /// The memory for values.
    public internal(set) var memory: Memory
    /// What is told to the caching side of an inference engine; a node needs none of it.
    public internal(set) var engine = Engine()
    /// How a node logs.
    public internal(set) var log = Log()

    internal var diskPlaces: [DiskPlace] = []
    internal var diskSync = DiskSync.none
    /// What LMCache's `max_local_disk_size` says, for the disks whose own entry has no size.
    internal var localDiskByteCount: Int?
    internal var remoteURL: NamedURL?
    internal var remoteSerde = Remote.Serde.naive
    internal var remoteTimeout: Duration = .seconds(10)
    internal var lookupURL: NamedURL?
    internal var advertisedAddress: HostAndPort?
    internal var enablesPeers: Bool?

    /// The defaults on a machine.
    internal init(machine: MachineFacts) {
        memory = Memory(machineByteCount: machine.memoryByteCount)
        server.threadCount = machine.threadCount
    }

    /// The disks that keep values, too, in order.
    public var disks: [DiskConfiguration] {
        diskPlaces.map { place in
            var disk = DiskConfiguration(path: place.path, byteCount: place.byteCount ?? 0)
            disk.sync = diskSync
            return disk
        }
    }

    /// The remote store behind the node; `nil` without one.
    public var remote: Remote? {
        remoteURL.map {
            Remote(
                url: $0.url,
                urlText: $0.shownText,
                serde: remoteSerde,
                timeout: remoteTimeout
            )
        }
    }

    /// The directory in which nodes find each other's values; `nil` without one.
    public var peers: Peers? {
        guard let lookupURL, enablesPeers != false else { return nil }
        return Peers(lookupURL: lookupURL.url, advertisedAddress: advertisedAddress)
    }
}
