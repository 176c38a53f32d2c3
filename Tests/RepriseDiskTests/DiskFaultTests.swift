import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseDisk

/// Disks whose calls fail, or whose bytes are not what was written.
@Suite struct DiskFaultTests {
    private let directory = SimulatedDirectory(seed: 1)
    private let clock = SimulatedClock()

    private func open(_ engine: SimulatedIOEngine, sync: DiskSync = .none) throws -> LocalDiskBackend {
        var configuration = DiskStoreConfiguration(byteCount: 1 << 20)
        configuration.sync = sync
        configuration.wallClock = clock.wallClock
        let memory = try TestDisk.memory(byteCount: 4 << 20)
        let store = try DiskStore.open("d", in: directory, engine: engine, configuration: configuration)
        return LocalDiskBackend(disks: [store], engines: [engine], memory: memory)
    }

    private func submit(_ disk: LocalDiskBackend, _ key: StorageKey, _ count: Int = 5000) -> PutTask? {
        guard let object = TestDisk.makeObject(disk, byteCount: count) else { return nil }
        object.copy(from: [UInt8](repeating: 7, count: count).rawSpan)
        defer { object.release() }
        return disk.submitPutTask(key, object)
    }

    @Test func `K58 a put task is there from its submission to its end`() throws {
        let engine = SimulatedIOEngine()
        let disk = try open(engine)
        let task = try #require(submit(disk, "k"))
        #expect(disk.existsInPutTasks("k"))
        #expect(!disk.contains("k"))
        engine.runAll()
        #expect(task.wait())
        #expect(!disk.existsInPutTasks("k"))
        #expect(disk.contains("k"))
        disk.close()
    }

    @Test func `the same object put twice while it is on its way is written once`() throws {
        let engine = SimulatedIOEngine()
        let disk = try open(engine)
        let object = try #require(TestDisk.makeObject(disk, byteCount: 100))
        let tasks = (0..<8).map { _ in disk.submitPutTask("k", object) }
        object.release()
        engine.runAll()
        #expect(tasks.allSatisfy { $0?.wait() == true })
        #expect(disk.statistics[0].putCount == 1)
        disk.close()
    }

    @Test func `K67 a failed write gives everything back`() throws {
        let engine = SimulatedIOEngine()
        let disk = try open(engine)
        let memory = try #require(disk.memory.withLock { $0 })
        directory.faults.writeError = 1
        let task = try #require(submit(disk, "k"))
        while engine.pendingCount > 0, !disk.disks[0].isOut { engine.runAll() }
        #expect(!task.wait())
        #expect(!disk.existsInPutTasks("k") && !disk.contains("k"))
        #expect(memory.pool.usedByteCount == 0)
        directory.faults = SimulatedFaults()
        for _ in 0..<5 {
            clock.advance(milliseconds: 60_000)
            disk.disks[0].tick()
            engine.runAll()
        }
        #expect(!disk.disks[0].isOut)
        #expect(disk.statistics[0].usedByteCount == 0)
        let again = try #require(submit(disk, "k"))
        engine.runAll()
        #expect(again.wait())
        disk.close()
    }

    /// fsync(2): pages whose writing has failed are read back as they were meant to be, and never written.
    @Test func `a journal whose sync has failed is not written on after a restart`() throws {
        var generator = SeededGenerator(seed: 1)
        var engine = SimulatedIOEngine()
        var disk = try open(engine, sync: .data)
        directory.faults.syncError = 1
        _ = submit(disk, "lost")
        #expect(engine.runOne(using: &generator))
        engine.dropAll()
        disk.abandon()
        directory.faults = SimulatedFaults()
        directory.restart(losingPower: false)
        engine = SimulatedIOEngine()
        disk = try open(engine, sync: .data)
        let task = try #require(submit(disk, "kept"))
        engine.runAll()
        #expect(task.wait())
        engine.dropAll()
        disk.abandon()
        directory.restart(losingPower: true)
        disk = try open(SimulatedIOEngine(), sync: .data)
        #expect(disk.contains("kept"))
        disk.close()
    }

    @Test func `a disk whose calls fail is taken out, and comes back by itself`() throws {
        let engine = SimulatedIOEngine()
        let disk = try open(engine)
        let first = submit(disk, "kept")
        engine.runAll()
        #expect(first?.wait() == true)
        directory.faults.writeError = 1
        directory.faults.readError = 1
        for number in 0..<12 {
            _ = submit(disk, StorageKey("\(number)"))
            engine.runAll()
        }
        #expect(disk.disks[0].isOut)
        #expect(disk.health.reason?.contains("tried again now and then; ") == true)
        #expect(!disk.contains("kept"))
        #expect(submit(disk, "refused") == nil)
        directory.faults = SimulatedFaults()
        for _ in 0..<3 {
            clock.advance(milliseconds: 60_000)
            disk.disks[0].tick()
            engine.runAll()
        }
        #expect(!disk.disks[0].isOut)
        #expect(disk.contains("kept"))
        #expect(disk.health.isHealthy)
        disk.close()
        #expect(!disk.health.isHealthy)
    }

    @Test func `a call that hangs takes the disk out`() throws {
        let engine = SimulatedIOEngine()
        let disk = try open(engine)
        engine.longestRunMilliseconds = 60_000
        disk.disks[0].tick()
        #expect(disk.disks[0].isOut)
        engine.longestRunMilliseconds = 0
        clock.advance(milliseconds: 5_000)
        disk.disks[0].tick()
        engine.runAll()
        #expect(!disk.disks[0].isOut)
        disk.close()
    }

    @Test func `K70 any flipped bit of a record is a miss, and the next put repairs it`() throws {
        let engine = SimulatedIOEngine()
        let disk = try open(engine)
        _ = submit(disk, "k", 5000)
        engine.runAll()
        var generator = SeededGenerator(seed: 5)
        let start = 2 * 4096
        for _ in 0..<300 {
            let bit = Int.random(in: 0..<((4096 + 5000) * 8), using: &generator)
            directory.change("data") { $0[start + bit / 8] ^= 1 << UInt8(bit % 8) }
            let task = disk.submitPrefetchTask("k")
            engine.runAll()
            #expect(task?.wait() == nil)
            #expect(!disk.contains("k"))
            let put = submit(disk, "k", 5000)
            engine.runAll()
            #expect(put?.wait() == true)
        }
        let faults = disk.statistics[0].faults
        #expect(faults.values.reduce(0, +) == 300)
        disk.close()
    }

    @Test func `a record over another's place, and one of another disk, are misses`() throws {
        let engine = SimulatedIOEngine()
        let disk = try open(engine)
        for key in ["a", "b"] as [StorageKey] {
            _ = submit(disk, key, 5000)
            engine.runAll()
        }
        directory.change("data") {
            $0.replaceSubrange((2 * 4096)..<(5 * 4096), with: $0[(5 * 4096)..<(8 * 4096)])
        }
        let task = disk.submitPrefetchTask("a")
        engine.runAll()
        #expect(task?.wait() == nil)
        #expect(disk.statistics[0].faults[.offset] == 1 || disk.statistics[0].faults[.checksum] == 1)
        disk.close()
    }
}
