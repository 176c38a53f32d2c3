internal import RepriseCore
internal import RepriseDisk

/// One run of a ``DiskSimulation``.
// Sendable: everything runs on the calling thread; callbacks come from calls made there.
final class SimulationRun: @unchecked Sendable {
    static let byteCount = 1 << 20
    static let keyCount = 48

    let simulation: DiskSimulation
    var generator: SeededGenerator
    var directory: SimulatedDirectory
    let clock = SimulatedClock()
    var model = SimulationModel()
    var report = DiskSimulation.Report()
    var life = 0
    let sync: DiskSync
    let hasMemoryInFront: Bool
    /// How often calls go wrong while the disk serves.
    let faults: SimulatedFaults
    var engine = SimulatedIOEngine()
    var memory: LocalCPUBackend?
    var disk: LocalDiskBackend?
    /// Whether the disk has been out and is not whole again.
    var isUnprotected = false
    /// In `data` mode: puts whose tasks have ended well, which no later change has touched.
    var durable: [StorageKey: Int] = [:]
    /// Puts whose tasks have not ended.
    var putTasks: [(key: StorageKey, version: Int, task: PutTask)] = []
    /// The keys before the last stop in order, least recently used first.
    private var keysBeforeStop: [StorageKey]?

    init(_ simulation: DiskSimulation) {
        self.simulation = simulation
        generator = SeededGenerator(seed: simulation.seed)
        directory = SimulatedDirectory(seed: generator.next())
        sync = Bool.random(using: &generator) ? .data : .none
        hasMemoryInFront = Bool.random(using: &generator)
        faults = SimulationRun.chooseFaults(&generator)
    }

    private static func chooseFaults(_ generator: inout SeededGenerator) -> SimulatedFaults {
        var faults = SimulatedFaults()
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<4: break
        case 4..<7:
            faults.readError = 0.03
            faults.writeError = 0.05
            faults.noSpace = 0.02
            faults.syncError = 0.02
            faults.shortRead = 0.02
            faults.flippedRead = 0.02
        case 7:
            faults.writeError = 0.5
        default:
            faults.flippedWrite = 0.03
            faults.lostWrite = 0.03
            faults.misdirectedWrite = 0.03
            faults.repeatedWrite = 0.03
            faults.flippedRead = 0.01
        }
        return faults
    }

    func fail(_ text: String) {
        let place = "\(sync) \(hasMemoryInFront ? "node" : "disk")\(faults.lies ? " lying" : "") life \(life)"
        if report.violations.count < 5 { report.violations.append("\(place): \(text)") }
    }

    func trace(_ text: @autoclosure () -> String) {
        if simulation.isTraced { report.trace.append("life \(life): \(text())") }
    }

    func run() {
        open()
        defer { finish() }
        for step in 0..<simulation.stepCount where report.violations.isEmpty {
            self.step()
            collectPutTasks()
            check("step \(step)")
            if directory.isDead { die(losingPower: chance(0.5)) }
        }
        guard report.violations.isEmpty else { return }
        stopInOrder()
        if disk == nil { open() }
        checkOrder()
        verifyEveryKey()
    }

    func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &generator) < probability }

    /// Opens the disk, in a new life.
    func open() {
        life += 1
        engine = SimulatedIOEngine()
        directory.faults = SimulatedFaults()
        do {
            var configuration = DiskStoreConfiguration(byteCount: Self.byteCount)
            configuration.sync = sync
            configuration.wallClock = clock.wallClock
            configuration.limits.queueByteCountMax = 256 << 10
            configuration.limits.failureCountMax = 4
            configuration.limits.partByteCountMin = 8 << 10
            configuration.limits.partByteCountMax = 16 << 10
            let identity = generator.next() | 1
            configuration.makeIdentity = { identity }
            configuration.bootIdentity = UInt64(report.powerLossCount)
            let pool = try MemoryPool(
                MemoryPool.Configuration(byteCount: hasMemoryInFront ? 256 << 10 : 2 << 20)
            )
            let memory = LocalCPUBackend(pool: pool, wallClock: clock.wallClock)
            let store = try DiskStore.open(
                "simulated",
                in: directory,
                engine: engine,
                configuration: configuration
            )
            let disk = LocalDiskBackend(disks: [store], engines: [engine], memory: memory)
            if hasMemoryInFront { memory.attach(disk) }
            (self.memory, self.disk) = (memory, disk)
        } catch {
            guard faults.lies else { return fail("cannot open: \(error)") }
            // Both superblocks were hit: as the message says, begin anew.
            directory = SimulatedDirectory(seed: generator.next())
            model.forgetAll()
            return open()
        }
        directory.faults = faults
        isUnprotected = false
    }

    /// Ends a life in the middle of things.
    func die(losingPower: Bool) {
        report.deathCount += 1
        trace("death, \(losingPower ? "losing power" : "keeping power")")
        if losingPower { report.powerLossCount += 1 }
        count()
        engine.dropAll()
        disk?.abandon()
        memory?.close()
        (disk, memory) = (nil, nil)
        putTasks = []
        directory.restart(losingPower: losingPower)
        if mayRebuild, chance(0.15) { rebuild() }
        let isRelaxed = faults.lies || losingPower && sync == .none
        model.die(forgetsNothing: isRelaxed)
        open()
        if losingPower, sync == .data, faults == SimulatedFaults() { verifyDurablePuts() }
        durable = [:]
    }

    /// Ends a life in order, and checks that the next one begins with the same keys in the same order.
    func stopInOrder() {
        report.stopCount += 1
        trace("stop")
        directory.faults = SimulatedFaults()
        settle()
        guard let disk, !disk.disks[0].isOut else { return die(losingPower: false) }
        let keys = disk.keys
        count()
        disk.close()
        checkPool()
        memory?.close()
        (self.disk, memory) = (nil, nil)
        let hasDied = directory.isDead
        directory.restart(losingPower: false)
        model.die(forgetsNothing: faults.lies)
        (durable, putTasks) = ([:], [])
        if mayRebuild, chance(0.1) {
            rebuild()
        } else if !faults.lies, !hasDied {
            keysBeforeStop = keys
        }
    }

    /// Whether the index may be lost: what was recorded in the journal alone, because its header could not be
    /// destroyed, is lost with it.
    private var mayRebuild: Bool { faults == SimulatedFaults() || faults.lies }

    /// Loses journals and snapshots, and makes the index from the records alone.
    private func rebuild() {
        report.rebuildCount += 1
        trace("rebuild")
        directory.faults = SimulatedFaults()
        for name in ["journal-0", "journal-1", "snapshot-0", "snapshot-1"] { directory.remove(name) }
        do {
            var run = try DiskCheckRun("simulated", directory, clock.wallClock)
            try run.perform(.rebuild) { _ in }
            if !faults.lies, run.report.badCount > 0 { trace("bad records: \(run.report.badCounts)") }
        } catch {
            // Both superblocks may have been hit.
            if !faults.lies { fail("cannot rebuild: \(error)") }
        }
    }

    /// Lets everything that is under way end.
    func settle() {
        for _ in 0..<200 {
            engine.runAll()
            guard let disk, disk.disks[0].isOut || !disk.disks[0].isIdle else { return }
            clock.advance(milliseconds: 1_000)
            disk.disks[0].tick()
        }
    }

    func check(_ place: String) {
        guard let disk, !directory.isDead else { return }
        if let fault = disk.disks[0].consistencyCheck() { fail("\(place): \(fault)") }
        if let fault = memory?.pool.consistencyCheck() { fail("\(place): \(fault)") }
        let statistics = disk.statistics[0]
        if statistics.usedByteCount > statistics.capacityByteCount { fail("\(place): over capacity") }
        if directory.byteCount > Self.byteCount { fail("\(place): \(directory.byteCount) bytes of files") }
        if statistics.isOut, !isUnprotected {
            isUnprotected = true
            model.unprotect()
        } else if isUnprotected, !statistics.isOut, disk.disks[0].isIdle {
            isUnprotected = false
        }
    }

    private func count() {
        guard let statistics = disk?.statistics[0] else { return }
        report.outCount += Int(statistics.outCount)
        report.evictionCount += Int(statistics.evictionCount)
        report.faultCount += statistics.faults.values.reduce(0) { $0 + Int($1) }
    }

    private func checkPool() {
        guard let memory, !hasMemoryInFront else { return }
        if memory.pool.usedByteCount != 0 { fail("\(memory.pool.usedByteCount) bytes of memory leaked") }
    }

    /// After a stop in order: the keys are those of before, in the same order.
    func checkOrder() {
        guard let disk, let before = keysBeforeStop else { return }
        keysBeforeStop = nil
        let after = disk.keys
        let alive = before.filter { disk.contains($0) }
        if after != alive { fail("keys after a stop are \(after), before it were \(before)") }
    }

    /// Reads every key.
    func verifyEveryKey() {
        for number in 0..<Self.keyCount where report.violations.isEmpty { get(key(number)) }
        settle()
    }

    private func verifyDurablePuts() {
        guard let disk, report.evictionCount == 0 else { return }
        for (key, version) in durable.sorted(by: { $0.value < $1.value })
        where !model.hasExpired(version, now: clock.now) && !disk.contains(key) {
            fail("version \(version) of \(key) was acknowledged as durable, and is gone")
        }
    }

    private func finish() {
        settle()
        engine.dropAll()
        memory?.close()
        disk?.abandon()
        (disk, memory) = (nil, nil)
    }

    func key(_ number: Int) -> StorageKey { StorageKey("key-\(number)") }
}
