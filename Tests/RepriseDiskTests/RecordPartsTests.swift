import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseDisk

/// Records that are transferred in several calls.
@Suite struct RecordPartsTests {
    @Test(arguments: [1, 2, 3, 4, 8], [1, 2, 3, 9])
    func `parts cover a record without a gap`(threadCount: Int, sharing: Int) {
        let limits = DiskLimits()
        for unitCount in [2, 3, 127, 128, 129, 257, 1025, 4097, 20_000] {
            let parts = RecordParts(
                unitCount: unitCount,
                threadCount: threadCount,
                sharing: sharing,
                limits: limits
            )
            let ranges = (0..<parts.count).map(parts.units)
            #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == unitCount)
            #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
            let payload = (0..<parts.count).map(parts.payloadUnits)
            #expect(payload.map(\.count).reduce(0, +) == unitCount - 1)
            #expect(
                parts.count == 1
                    || ranges.allSatisfy { $0.count * AllocationUnit.byteCount > limits.partByteCountMin / 2 }
            )
            #expect(
                ranges.allSatisfy { $0.count * AllocationUnit.byteCount <= 2 * limits.partByteCountMax }
            )
        }
    }

    @Test(arguments: [(512 << 10) - 1, 1 << 20, (1 << 20) + 1, (5 << 20) - 4095, 9 << 20])
    func `a large value comes back as it was, whatever is on its way beside it`(byteCount: Int) throws {
        let directory = try TemporaryDirectory()
        let disk = try TestDisk.make(in: directory.path, byteCount: 64 << 20)
        defer { disk.close() }
        var random = SeededGenerator(seed: UInt64(byteCount))
        let bytes = FormatSamples.bytes(byteCount, &random)
        #expect(TestDisk.put(disk, "k", bytes))
        #expect(TestDisk.get(disk, "k") == bytes)
    }

    @Test func `a bit flipped in any part is noticed`() throws {
        let directory = SimulatedDirectory(seed: 1)
        let engine = SimulatedIOEngine()
        var configuration = DiskStoreConfiguration(byteCount: 4 << 20)
        configuration.limits.partByteCountMin = 16 << 10
        let memory = try TestDisk.memory(byteCount: 8 << 20)
        let store = try DiskStore.open("d", in: directory, engine: engine, configuration: configuration)
        let disk = LocalDiskBackend(disks: [store], engines: [engine], memory: memory)
        let byteCount = 200_000
        for place in stride(from: 0, to: byteCount, by: 9_973) {
            let object = try #require(TestDisk.makeObject(disk, byteCount: byteCount))
            let task = disk.submitPutTask("k", object)
            object.release()
            engine.runAll()
            #expect(task?.hasEnded == true)
            let before = try #require(disk.submitPrefetchTask("k"))
            #expect(engine.pendingCount > 1)
            engine.runAll()
            let found = TestDisk.blocking { before.wait() }
            #expect(found != nil)
            found?.release()
            let start = Int(store.state.withLock { $0.startUnit(of: 0) } + 1) * AllocationUnit.byteCount
            directory.change("data") { $0[start + place] ^= 1 }
            let after = try #require(disk.submitPrefetchTask("k"))
            engine.runAll()
            #expect(TestDisk.blocking { after.wait() } == nil, "byte \(place)")
        }
        #expect(disk.statistics[0].faults[.checksum] == UInt64(byteCount / 9_973 + 1))
        engine.runAll()
        disk.close()
    }
}
