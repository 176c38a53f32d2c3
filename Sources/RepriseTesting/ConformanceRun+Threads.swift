import RepriseCore

extension ConformanceRun {
    /// Several threads put, overwrite, get, pin and remove the same keys, checking every byte that they read.
    func survivesThreads(keyCount: Int) {
        let keys = (0..<keyCount).map { StorageKey("shared-\($0)") }
        Threads.run(4) { thread in
            var generator = SeededGenerator(seed: UInt64(thread * 100 + keyCount))
            for step in 0..<400 {
                guard let key = keys.randomElement(using: &generator) else { return }
                self.step(key, version: thread << 32 | step, choice: generator.next() % 16)
            }
        }
        for key in keys {
            expect(!backend.existsInPutTasks(key), "\(key) has a put task after all have ended")
            let isThere = backend.contains(key)
            expect((version(of: key) != nil) == isThere, "contains() and getBlocking() disagree about \(key)")
        }
        expect(backend.keys.count == Set(backend.keys).count, "a key is listed twice")
        for key in keys { backend.remove(key) }
        expect(backend.keys.isEmpty, "keys are left after all were removed")
    }

    private func step(_ key: StorageKey, version: Int, choice: UInt64) {
        switch choice {
        case 0..<6: put(key, version: version, byteCount: 4_096 * (1 + version % 3))
        case 6..<12: _ = self.version(of: key)
        case 12: backend.remove(key)
        case 13:
            for object in backend.batchedGetBlocking([key, key]).reversed() {
                expect(ConformancePattern.version(of: object, key: key) != nil, "\(key) has foreign bytes")
                object.release()
            }
        case 14: holdWhileOthersWrite(key)
        default: _ = backend.contains(key)
        }
    }

    /// A reader's bytes stay the same however often the key is overwritten meanwhile.
    private func holdWhileOthersWrite(_ key: StorageKey) {
        guard let object = backend.getBlocking(key) else { return }
        let before = ConformancePattern.version(of: object, key: key)
        put(key, version: 1 << 40)
        let after = ConformancePattern.version(of: object, key: key)
        expect(before != nil && before == after, "bytes of \(key) changed while they were held")
        object.release()
    }
}
