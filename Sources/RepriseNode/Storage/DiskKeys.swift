internal import RepriseCore

/// What disks tell a lookup directory, less what is in memory all the same.
final class DiskKeys: LookupDirectory {
    // Weak: the memory has the disk, which has this.
    private let memory: Lock<Weak>
    private let directory: any LookupDirectory

    private struct Weak {
        weak var backend: LocalCPUBackend?
    }

    init(memory: LocalCPUBackend, directory: any LookupDirectory) {
        self.memory = Lock(Weak(backend: memory))
        self.directory = directory
    }

    /// A disk has keys.
    func insert(_ keys: [StorageKey]) { directory.insert(keys) }

    /// A disk has keys no more.
    func remove(_ keys: [StorageKey]) {
        let memory = memory.withLock { $0.backend }
        directory.remove(keys.filter { memory?.isInMemory($0) != true })
    }

    /// Never asked for by a disk.
    func removeAll() { directory.removeAll() }

    /// Never asked for by a disk.
    func findHolders(
        of keys: [StorageKey],
        completion: @escaping @Sendable ([[KeyHolder]]) -> Void
    ) {
        directory.findHolders(of: keys, completion: completion)
    }

    /// The node closes it.
    func close() {}
}
