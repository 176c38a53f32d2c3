import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseRemote

/// The remote backend's decisions, without threads.
@Suite struct RemoteStateTests {
    private let memory: LocalCPUBackend

    init() throws { memory = try TestMemory.make() }

    private func queue(withdrawnMax: Int = 100, byteCountMax: Int = 1 << 20) -> RemoteBackend.ChangeQueue {
        var limits = RemoteLimits()
        limits.withdrawnKeyCountMax = withdrawnMax
        limits.queuedByteCountMax = byteCountMax
        return RemoteBackend.ChangeQueue(limits)
    }

    private func isValue(_ view: RemoteBackend.LocalView, _ expected: MemoryObject) -> Bool {
        guard case .value(let object) = view else { return false }
        object.release()
        return object === expected
    }

    /// An object with a reference for the queue.
    private func object(seed: Int) throws -> MemoryObject { try TestMemory.object(memory, seed: seed) }

    @Test func `a key is what was put last, until that is through`() throws {
        var queue = queue()
        let (first, second) = (try object(seed: 1), try object(seed: 2))
        let (task, later) = (PutTask(), PutTask())
        queue.put("k", first, task).perform()
        #expect(isValue(queue.view(of: "k"), first))
        let change = queue.next()
        #expect(change?.key == "k")
        queue.put("k", second, later).perform()
        #expect(isValue(queue.view(of: "k"), second))
        #expect(queue.next() == nil, "two changes of one key are never under way")
        queue.ended("k", .done(wasStored: true)).perform()
        #expect(task.wait() && !first.isValid)
        #expect(queue.next() != nil)
        queue.ended("k", .done(wasStored: true)).perform()
        #expect(later.wait() && !second.isValid)
        #expect(queue.isThere("k") == nil && queue.queuedByteCount == 0 && queue.keyCount == 0)
    }

    @Test func `a put that waits is replaced by a later one, and hears of it`() throws {
        var queue = queue()
        let (first, second) = (try object(seed: 1), try object(seed: 2))
        let tasks = [PutTask(), PutTask()]
        queue.put("k", first, tasks[0]).perform()
        queue.put("k", second, tasks[1]).perform()
        #expect(!first.isValid && queue.queuedByteCount == 16)
        _ = queue.next()
        #expect(queue.next() == nil)
        queue.ended("k", .done(wasStored: true)).perform()
        #expect(tasks.allSatisfy { $0.wait() })
    }

    @Test func `a put that fails leaves a removal behind it`() throws {
        var queue = queue()
        let task = PutTask()
        queue.put("k", try object(seed: 1), task).perform()
        _ = queue.next()
        queue.ended("k", .rejected).perform()
        #expect(!task.wait())
        #expect(queue.isThere("k") == false)
        guard case (_, .removal)? = queue.next() else {
            Issue.record("no removal follows")
            return
        }
        #expect(queue.isThere("k") == false)
        queue.ended("k", .done(wasStored: true)).perform()
        #expect(queue.isThere("k") == nil)
    }

    @Test func `a put that the store may still do makes its key one that is not asked for`() throws {
        var queue = queue()
        queue.put("k", try object(seed: 1), PutTask()).perform()
        _ = queue.next()
        queue.ended("k", .failed(isUncertain: true)).perform()
        _ = queue.next()
        queue.ended("k", .done(wasStored: false)).perform()
        #expect(queue.isThere("k") == false)
        #expect(queue.forgottenKeyCount == 1)
    }

    @Test func `an outage turns what waits into removals that nobody waits for`() throws {
        var queue = queue()
        let (put, removal) = (PutTask(), BackendTask<Bool>())
        let value = try object(seed: 1)
        queue.put("a", value, put).perform()
        queue.remove("b", removal).perform()
        queue.storeIsGone().perform()
        #expect(!put.wait() && !removal.wait() && !value.isValid)
        #expect(queue.isThere("a") == false && queue.isThere("b") == false)
        #expect(queue.queuedByteCount == 0)
        var removed: [StorageKey] = []
        while let (key, change) = queue.next() {
            guard case .removal = change else { continue }
            removed.append(key)
            queue.ended(key, .done(wasStored: true)).perform()
        }
        #expect(removed == ["b", "a"])
        #expect(queue.keyCount == 0)
    }

    @Test func `more removals than are remembered make keys that are not asked for`() {
        var queue = queue(withdrawnMax: 2)
        for key in ["a", "b", "c"] as [StorageKey] { queue.remove(key, nil).perform() }
        #expect(queue.keyCount == 2)
        #expect(queue.isThere("c") == false)
        #expect(queue.isThere("d") == nil)
        #expect(queue.forgottenKeyCount == 1)
    }

    @Test func `a removal says what was stored, there or on its way`() throws {
        var queue = queue()
        let (put, removal) = (PutTask(), BackendTask<Bool>())
        queue.put("k", try object(seed: 1), put).perform()
        queue.remove("k", removal).perform()
        #expect(!put.wait())
        _ = queue.next()
        queue.ended("k", .done(wasStored: false)).perform()
        #expect(removal.wait())
    }

    @Test func `a removal that somebody waits for goes before puts, and one change of a key at a time`()
        throws
    {
        var queue = queue()
        for (index, key) in (["a", "b", "c"] as [StorageKey]).enumerated() {
            queue.put(key, try object(seed: index), PutTask()).perform()
        }
        #expect(queue.next()?.key == "a")
        queue.remove("c", BackendTask<Bool>()).perform()
        queue.remove("a", BackendTask<Bool>()).perform()
        guard let (key, change) = queue.next(), case .removal = change else {
            Issue.record("no removal comes first")
            return
        }
        // The one of "a" waits for the put of it that is under way.
        #expect(key == "c" && queue.next()?.key == "b" && queue.next() == nil)
        queue.ended("a", .done(wasStored: true)).perform()
        guard case ("a", .removal)? = queue.next() else {
            Issue.record("the removal is lost")
            return
        }
        for key in ["a", "b", "c"] as [StorageKey] { queue.ended(key, .done(wasStored: true)).perform() }
        #expect(queue.keyCount == 0 && queue.next() == nil)
    }

    /// Random puts, removals, failures and outages against a store that is a dictionary.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `the store is never asked for an older value`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var queue = queue(withdrawnMax: 6, byteCountMax: 200)
        var store: [StorageKey: Int] = [:]
        var latest: [StorageKey: Int] = [:]
        var running: [StorageKey: Int?] = [:]
        var versions: [ObjectIdentifier: Int] = [:]
        var kept: [MemoryObject] = []
        let keys = (0..<10).map { StorageKey("k\($0)") }
        for version in 1...2000 {
            let key = keys.randomElement(using: &generator) ?? "k"
            switch generator.next() % 8 {
            case 0..<3:
                latest[key] = version
                if queue.hasRoom(for: 16) {
                    let value = try object(seed: version)
                    versions[ObjectIdentifier(value)] = version
                    kept.append(value)
                    queue.put(key, value, PutTask()).perform()
                } else {
                    queue.remove(key, nil).perform()
                }
            case 3:
                latest[key] = nil
                queue.remove(key, Bool.random(using: &generator) ? BackendTask<Bool>() : nil).perform()
            case 4..<6:
                guard let (key, change) = queue.next() else { continue }
                #expect(running[key] == nil, "two changes of one key are under way")
                if case .put(let object, _) = change {
                    running[key] = .some(versions[ObjectIdentifier(object)])
                } else {
                    running[key] = .some(nil)
                }
            case 6:
                guard let key = running.keys.randomElement(using: &generator), let version = running[key]
                else {
                    continue
                }
                running[key] = nil
                switch generator.next() % 4 {
                case 0: queue.ended(key, .rejected).perform()
                case 1:
                    // It was done all the same.
                    store[key] = version
                    queue.ended(key, .failed(isUncertain: true)).perform()
                default:
                    let wasStored = store[key] != nil
                    store[key] = version
                    queue.ended(key, .done(wasStored: version != nil || wasStored)).perform()
                }
            default: if generator.next() % 16 == 0 { queue.storeIsGone().perform() }
            }
            for key in keys where running[key] == nil && queue.isThere(key) == nil {
                let found = store[key]
                #expect(found == nil || found == latest[key], "seed \(seed), step \(version), \(key)")
            }
        }
    }

    @Test func `a store that fails is given up, and tried after pauses that grow`() {
        var breaker = CircuitBreaker(failureCountMax: 3, pauseMin: .seconds(1), pauseMax: .seconds(3))
        let start = ContinuousClock.now
        let isGivenUp = (0..<3).map { _ in breaker.failed(at: start) }
        #expect(isGivenUp == [false, false, true])
        let early = breaker.takeProbe(at: start + .milliseconds(999))
        let probes = (0..<2).map { _ in breaker.takeProbe(at: start + .seconds(1)) }
        #expect(!early && probes == [true, false], "one probe at a time, when it is due")
        _ = breaker.failed(at: start + .seconds(1))
        #expect(breaker.nextProbe == start + .seconds(3))
        _ = breaker.failed(at: start + .seconds(3))
        #expect(breaker.nextProbe == start + .seconds(6))
        let recoveries = (0..<2).map { _ in breaker.succeeded() }
        #expect(recoveries == [true, false] && !breaker.isOpen)
    }
}
