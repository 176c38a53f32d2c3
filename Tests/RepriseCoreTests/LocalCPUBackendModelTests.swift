import RepriseTesting
import Testing

@testable import RepriseCore

/// Random calls on a backend of uniform blocks and on the plainest least-recently-used cache.
@Suite struct LocalCPUBackendModelTests {
    /// Keys in order of use with their versions, and which of them are held or pinned.
    struct Model {
        let capacity: Int
        var order: [StorageKey] = []
        var versions: [StorageKey: Int] = [:]
        var pins: Set<StorageKey> = []
        /// Values that were removed or overwritten while they were held.
        var detachedCount = 0
        /// The version of each key that is held by the test.
        var held: [StorageKey: MemoryObject] = [:]
        var heldVersions: [StorageKey: Int] = [:]

        func holds(_ key: StorageKey) -> Bool {
            heldVersions[key] != nil && heldVersions[key] == versions[key]
        }

        mutating func use(_ key: StorageKey) {
            order.removeAll { $0 == key }
            order.append(key)
        }

        /// Makes room for one block; `false` when everything is held, pinned or detached.
        mutating func makeRoom() -> Bool {
            if order.count + detachedCount < capacity { return true }
            guard let victim = order.first(where: { !pins.contains($0) && !holds($0) }) else { return false }
            order.removeAll { $0 == victim }
            versions[victim] = nil
            return true
        }

        mutating func drop(_ key: StorageKey) {
            if holds(key) { detachedCount += 1 }
            order.removeAll { $0 == key }
            versions[key] = nil
        }
    }

    final class Runner {
        let backend: LocalCPUBackend
        var model: Model
        var generator: SeededGenerator
        let keys = (0..<40).map { StorageKey("key-\($0)") }

        init(seed: UInt64, capacity: Int) throws {
            backend = try LocalCPUBackendTests.backend(blockCount: capacity)
            model = Model(capacity: capacity)
            generator = SeededGenerator(seed: seed)
        }

        /// Does one random call on both; returns what disagrees.
        func step(_ number: Int) -> String? {
            let key = keys[Int(generator.next() % UInt64(keys.count))]
            return switch generator.next() % 100 {
            case 0..<35: put(key, version: number)
            case 35..<55: get(key)
            case 55..<70: hold(key)
            case 70..<85: letGo(key)
            case 85..<90: remove(key)
            case 90..<94: pin(key)
            case 94..<98: unpin(key)
            default: prefix()
            }
        }

        func put(_ key: StorageKey, version: Int) -> String? {
            // Overwriting a pinned key is left out: its pin stays with the old value.
            guard !model.pins.contains(key) else { return nil }
            let expected = model.makeRoom()
            guard let object = try? backend.allocate(MemoryPoolTests.bytes(4_096)) else {
                return expected ? "no room for \(key)" : nil
            }
            defer { object.release() }
            guard expected else { return "room for \(key) where there is none" }
            let bytes = (0..<8).map { UInt8(truncatingIfNeeded: version >> ($0 * 8)) }
            object.copy(from: bytes.rawSpan)
            guard backend.submitPutTask(key, object) != nil else { return "\(key) was refused" }
            model.drop(key)
            model.use(key)
            model.versions[key] = version
            return nil
        }

        func version(of object: MemoryObject) -> Int {
            Int(truncatingIfNeeded: object.bytes.loadLittleEndian(at: 0, as: UInt64.self))
        }

        func get(_ key: StorageKey) -> String? {
            let object = backend.getBlocking(key)
            defer { object?.release() }
            if model.versions[key] != nil { model.use(key) }
            return object.map { version(of: $0) } == model.versions[key] ? nil : "\(key) reads wrong"
        }

        func hold(_ key: StorageKey) -> String? {
            guard model.held[key] == nil, let object = backend.getBlocking(key) else { return nil }
            model.use(key)
            model.held[key] = object
            model.heldVersions[key] = version(of: object)
            return version(of: object) == model.versions[key] ? nil : "\(key) is held with a wrong value"
        }

        func letGo(_ key: StorageKey) -> String? {
            guard let object = model.held[key] else { return nil }
            let isCurrent = model.holds(key)
            let isIntact = version(of: object) == model.heldVersions[key]
            model.held[key] = nil
            model.heldVersions[key] = nil
            object.release()
            if isCurrent {
                if !model.pins.contains(key) { model.use(key) }
            } else {
                model.detachedCount -= 1
            }
            return isIntact ? nil : "\(key) changed while it was held"
        }

        func remove(_ key: StorageKey) -> String? {
            guard !model.pins.contains(key) else { return nil }
            let wasThere = model.versions[key] != nil
            model.drop(key)
            return backend.remove(key) == wasThere ? nil : "remove(\(key)) says otherwise"
        }

        func pin(_ key: StorageKey) -> String? {
            guard !model.pins.contains(key) else { return nil }
            let isThere = model.versions[key] != nil
            if isThere {
                model.pins.insert(key)
                model.use(key)
            }
            return backend.contains(key, pinning: true) == isThere ? nil : "pinning \(key) says otherwise"
        }

        func unpin(_ key: StorageKey) -> String? {
            let isPinned = model.pins.remove(key) != nil
            // The last hold ends: the entry becomes the most recent.
            if isPinned, !model.holds(key) { model.use(key) }
            return backend.unpin(key) == isPinned ? nil : "unpin(\(key)) says otherwise"
        }

        func prefix() -> String? {
            let start = Int(generator.next() % 30)
            let asked = Array(keys[start..<start + 4])
            let expected = asked.prefix { model.versions[$0] != nil }
            guard backend.batchedContains(asked) == expected.count else {
                return "a prefix has another length"
            }
            let objects = backend.batchedGetBlocking(asked)
            for key in expected.reversed() { model.use(key) }
            // The last release is a use too, which those that are still held or pinned do not have.
            for key in expected.reversed() where !model.holds(key) && !model.pins.contains(key) {
                model.use(key)
            }
            let versions = objects.map { version(of: $0) }
            for object in objects.reversed() { object.release() }
            return versions == expected.map { model.versions[$0] } ? nil : "a prefix is returned otherwise"
        }

        /// Compares what is stored, its order and the accounting.
        func check() -> String? {
            let statistics = backend.statistics
            if backend.keys != model.order { return "keys \(backend.keys), should be \(model.order)" }
            if statistics.entryCount != model.order.count {
                return "\(statistics.entryCount) entries counted"
            }
            if statistics.entryByteCount != model.order.count * 4_096 { return "entry bytes are wrong" }
            let used = (model.order.count + model.detachedCount) * 4_096
            if backend.pool.usedByteCount != used {
                return "\(backend.pool.usedByteCount) bytes used, not \(used)"
            }
            return nil
        }
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func `contents and order agree with the plainest cache after every call`(seed: UInt64) throws {
        let runner = try Runner(seed: seed, capacity: [1, 3, 12, 25][Int(seed % 4)])
        var violation: String?
        for number in 0..<4_000 where violation == nil {
            violation = runner.step(number) ?? runner.check()
            if number % 100 == 0 { violation = violation ?? runner.backend.pool.consistencyCheck() }
            if let found = violation { violation = "seed \(seed), call \(number): \(found)" }
        }
        #expect(violation == nil)
        for key in runner.model.pins { #expect(runner.backend.unpin(key)) }
        runner.backend.close()
        for object in runner.model.held.values { object.release() }
        #expect(runner.backend.pool.usedByteCount == 0)
        #expect(runner.backend.pool.consistencyCheck() == nil)
    }
}
