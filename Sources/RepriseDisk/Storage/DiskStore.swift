package import RepriseCore

/// One disk: its index, its accounting and its eviction order under one lock, and what is under way for it.
///
/// Every call decides under the lock and leaves I/O as requests, which are handed to the engine after the
/// lock is released; their ends come back to the lock. No thread waits for a device here.
///
/// Lock order: the memory backend's lock, then this one (docs/CONCURRENCY.md).
package final class DiskStore: Sendable {
    let name: String
    let files: DiskFiles
    let engine: any IOEngine
    let layout: DiskLayout
    let limits: DiskLimits
    let sync: DiskSync
    let wallClock: WallClock
    let identity: DiskIdentity
    /// Told what an operator should hear.
    let report: @Sendable (DiskEvent) -> Void
    let lookupDirectory: (any LookupDirectory)?
    let state: Lock<State>

    // Sendable: its maker has it alone, and then its lock.
    struct State: ~Copyable, @unchecked Sendable {
        var table: DiskTable
        var extents: SegregatedFitAllocator
        var sequence: RecordSequence
        /// Records below it are void: everything was removed once.
        var floor: RecordSequence
        /// Writes of a raised floor that are under way, and who waits for them: until then what it makes void
        /// may come back.
        var pendingFloorCount = 0
        var floorWaiters: [RecordedChange] = []
        var superblock: Superblock
        var searchNumber: UInt32 = 0
        /// Bytes that the entries' records take in a snapshot.
        var indexedByteCount = 0
        var queue = PutQueue()
        var jobs: [EntrySlot: PutJob] = [:]
        /// Jobs that are being written, withdrawn ones included.
        var running: [PutJob] = []
        var loads: [RecordSequence: LoadJob] = [:]
        /// Reasons for which a block may not be freed: calls under way on it.
        var holds: [SegregatedFitAllocator.BlockID: Int] = [:]
        /// Blocks to be freed when nothing holds them any more.
        var doomed: Set<SegregatedFitAllocator.BlockID> = []
        /// Withdrawn records that are not recorded yet, by their keys' fingerprints.
        var withdrawn: [UInt64: [WithdrawnRecord]] = [:]
        /// Who waits for the next rewriting of a block's header.
        var rewriting: [SegregatedFitAllocator.BlockID: [RecordedChange]] = [:]
        /// Of the withdrawn records, those whose headers were being rewritten at that moment.
        var withdrawnWhileRewriting: [SegregatedFitAllocator.BlockID: WithdrawnRecord] = [:]
        /// Of the withdrawn records, those whose headers could not be destroyed yet.
        var retries: [WithdrawnRecord] = []
        var journal: JournalState
        var health = DiskHealth()
        var statistics = DiskStatistics()
        var actions = DiskActions()
        var isClosed = false
    }

    init(
        name: String,
        files: DiskFiles,
        engine: any IOEngine,
        layout: DiskLayout,
        configuration: DiskStoreConfiguration,
        state: consuming sending State
    ) {
        self.name = name
        self.files = files
        self.engine = engine
        self.layout = layout
        limits = configuration.limits
        sync = configuration.sync
        wallClock = configuration.wallClock
        report = configuration.report
        lookupDirectory = configuration.lookupDirectory
        identity = state.superblock.identity
        self.state = Lock(state)
    }

    /// Whether the disk serves nothing at the moment.
    package var isOut: Bool { state.withLock { $0.health.isOut } }

    /// Whether transfers go past the page cache.
    package var isDirect: Bool { files.data.isDirect }

    /// Decides something under the lock, and starts what follows from it.
    func perform<Result>(_ body: (inout State) -> Result) -> Result {
        let (result, actions) = state.withLock { state in
            let result = body(&state)
            return (result, state.actions.take())
        }
        run(actions)
        return result
    }

    /// Starts what calls under other locks have decided on.
    package func start() {
        run(state.withLock { $0.actions.take() })
    }

    /// Forgets what is under way, as the death of the process does: requests that are not run know the disk.
    func abandon() {
        let (actions, jobs) = state.withLock { state in
            let jobs = Array(state.jobs.values) + state.running
            (state.jobs, state.running, state.loads, state.withdrawn) = ([:], [], [:], [:])
            state.queue = PutQueue()
            (state.journal.waiters, state.floorWaiters, state.retries, state.rewriting) = ([], [], [], [:])
            return (state.actions.take(), jobs)
        }
        withExtendedLifetime((actions, jobs)) {}
    }

    private func run(_ actions: DiskActions) {
        for request in actions.requests { engine.submit(request) }
        for afterwards in actions.afterwards { afterwards() }
    }
}

/// How one disk is made.
package struct DiskStoreConfiguration: Sendable {
    /// Bytes that the disk may take.
    package var byteCount: Int
    package var sync = DiskSync.none
    package var limits = DiskLimits()
    package var evictionPolicy = EvictionPolicy.lru
    package var wallClock = WallClock.system
    /// The number that all disks of one node share; drawn by whoever makes the first.
    package var setIdentity: UInt64 = 0
    /// How often the node was started with all of its disks.
    package var setGeneration: UInt64 = 0
    /// Whether what the disk has is not to be believed.
    package var startsEmpty = false
    /// Told which keys are stored.
    package var lookupDirectory: (any LookupDirectory)?
    /// Tells one run of the machine from another.
    package var bootIdentity: UInt64 = SystemDirectory.bootIdentity
    /// Draws the number of a new disk.
    package var makeIdentity: @Sendable () -> UInt64 = { UInt64.random(in: 1 ... .max) }
    /// Told what an operator should hear; called without a lock.
    package var report: @Sendable (DiskEvent) -> Void = { _ in }

    /// Creates a configuration with defaults for all but the size.
    package init(byteCount: Int) {
        self.byteCount = byteCount
    }
}

/// What a critical section leaves to be done after it.
struct DiskActions {
    var requests: [IORequest] = []
    var afterwards: [@Sendable () -> Void] = []

    mutating func take() -> DiskActions {
        defer { self = DiskActions() }
        return self
    }
}

/// The files of one disk.
package struct DiskFiles: Sendable {
    let directory: any DiskDirectory
    let data: any DiskFile
    /// By the journal's number modulo 2.
    let journals: [any DiskFile]
    /// By the snapshot's number modulo 2.
    let snapshots: [any DiskFile]

    func journal(_ number: UInt64) -> any DiskFile { journals[Int(number % 2)] }

    func snapshot(_ number: UInt64) -> any DiskFile { snapshots[Int(number % 2)] }
}
