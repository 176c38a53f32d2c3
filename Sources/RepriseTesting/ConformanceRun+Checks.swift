import RepriseCore

extension ConformanceRun {
    func missesAreNil() {
        expect(!backend.contains("absent"), "contains() finds a key in an empty backend")
        expect(backend.getBlocking("absent") == nil, "getBlocking() finds a key in an empty backend")
        expect(!backend.remove("absent"), "remove() removes a key from an empty backend")
        expect(!backend.pin("absent"), "pin() pins an absent key")
        expect(!backend.contains("absent", pinning: true), "contains(pinning:) pins an absent key")
        expect(!backend.unpin("absent"), "unpin() unpins an absent key")
        expect(!backend.existsInPutTasks("absent"), "a put task exists that nobody submitted")
        expect(backend.keys.isEmpty, "an empty backend has keys")
        expect(backend.submitPrefetchTask("absent")?.wait() == nil, "a prefetch finds an absent key")
    }

    func readsItsWrites() {
        let keys = (0..<50).map { StorageKey("key-\($0)") }
        for (number, key) in keys.enumerated() {
            expect(put(key, version: number), "\(key) was not stored")
            expect(backend.contains(key), "\(key) is not there after its put task ended")
            expect(version(of: key) == number, "\(key) does not read as written")
        }
        for (number, key) in keys.enumerated() { expect(version(of: key) == number, "\(key) changed") }
        expect(Set(backend.keys) == Set(keys), "keys are not those that were put")
    }

    func lastPutWins() {
        put("a", version: 1)
        let old = backend.getBlocking("a")
        for version in 2...5 {
            expect(
                put("a", version: version, byteCount: 4_096 * version),
                "version \(version) was not stored"
            )
            expect(self.version(of: "a") == version, "version \(version) does not win")
        }
        let kept = old.flatMap { ConformancePattern.version(of: $0, key: "a") }
        expect(kept == 1, "a reader of the old value lost its bytes")
        old?.release()
        expect(backend.keys == ["a"], "an overwritten key is there more than once")
    }

    func removes() {
        put("a", version: 1)
        let read = backend.getBlocking("a")
        expect(backend.remove("a"), "remove() of a stored key is false")
        expect(!backend.remove("a"), "remove() of a removed key is true")
        expect(!backend.contains("a") && version(of: "a") == nil, "a removed key is still there")
        expect(backend.keys.isEmpty, "a removed key is still listed")
        let kept = read.flatMap { ConformancePattern.version(of: $0, key: "a") }
        expect(kept == 1, "a reader of a removed value lost its bytes")
        read?.release()
        expect(put("a", version: 2) && version(of: "a") == 2, "a removed key cannot be stored again")
    }

    func pins() {
        put("pinned", version: 1)
        put("asked", version: 2)
        expect(backend.pin("pinned"), "pin() of a stored key is false")
        expect(backend.contains("asked", pinning: true), "contains(pinning:) of a stored key is false")
        // Twice what the backend is said to have room for, so that anything else would go.
        for number in 0..<(2 * BackendConformance.roomByteCount / 4_096) {
            put(StorageKey("filler-\(number)"))
        }
        expect(version(of: "pinned") == 1, "a pinned key was evicted")
        expect(version(of: "asked") == 2, "a key that contains() pinned was evicted")
        expect(backend.unpin("pinned") && backend.unpin("asked"), "unpin() of a pinned key is false")
        expect(!backend.unpin("pinned"), "unpin() of a key that is not pinned is true")
    }

    func batchesWorkOnPrefixes() {
        let keys = (0..<6).map { StorageKey("key-\($0)") }
        let objects = keys.enumerated().compactMap { make($1, version: $0) }
        let tasks = backend.batchedSubmitPutTask(keys, objects)
        for object in objects { object.release() }
        expect(tasks.count == keys.count, "a batch of puts has another number of results")
        expect(tasks.allSatisfy { $0?.wait() == true }, "a batch of puts was not stored")
        expect(backend.batchedContains(keys) == 6, "a stored prefix is not found whole")
        expect(backend.batchedContains([]) == 0, "no keys have a prefix")
        backend.remove(keys[3])
        expect(backend.batchedContains(keys) == 3, "a prefix goes on behind a hole")
        let presence = backend.presence(of: keys + ["absent"])
        expect(presence == [true, true, true, false, true, true, false], "presence() says \(presence)")
        expect(backend.batchedContains(keys, pinning: true) == 3, "a pinned prefix has another length")
        expect(backend.unpin(keys[0]) && backend.unpin(keys[2]), "a prefix was not pinned")
        expect(!backend.unpin(keys[4]), "a key behind the hole was pinned")
        backend.unpin(keys[1])
        let found = backend.batchedGetBlocking(keys)
        let versions = zip(keys, found).map { ConformancePattern.version(of: $1, key: $0) }
        expect(versions == [0, 1, 2], "a batch of gets returned \(versions)")
        for object in found.reversed() { object.release() }
        backend.remove(keys[0])
        expect(backend.batchedGetBlocking(keys).isEmpty, "a prefix without its head is returned")
    }

    func ordersKeysByUse() {
        guard conformance.isInMemory else { return }
        for key in ["a", "b", "c", "d"] as [StorageKey] { put(key) }
        expect(backend.keys == ["a", "b", "c", "d"], "keys are not in the order of their puts")
        _ = version(of: "b")
        expect(backend.contains("a"), "a is gone")
        expect(
            backend.keys == ["a", "c", "d", "b"],
            "a get does not make a key the most recent, or contains() does"
        )
        put("a", version: 2)
        expect(backend.keys == ["c", "d", "b", "a"], "a put does not make a key the most recent")
    }

    func touchesBatchesFromTheTail() {
        guard conformance.isInMemory else { return }
        let keys = ["a", "b", "c"] as [StorageKey]
        let objects = keys.compactMap { make($0) }
        for task in backend.batchedSubmitPutTask(keys, objects) { _ = task?.wait() }
        for object in objects.reversed() { object.release() }
        expect(backend.keys == ["c", "b", "a"], "a batch of puts does not end with the head")
        put("d")
        let found = backend.batchedGetBlocking(keys)
        expect(backend.keys == ["d", "c", "b", "a"], "a batch of gets does not end with the head")
        for object in found.reversed() { object.release() }
        expect(backend.keys == ["d", "c", "b", "a"], "releases from the tail do not end with the head")
    }

    func closes() {
        put("a", version: 1)
        let read = backend.getBlocking("a")
        let object = make("b")
        backend.close()
        backend.close()
        expect(
            object.map { backend.submitPutTask("b", $0)?.wait() ?? false } != true,
            "a closed backend stores"
        )
        object?.release()
        let kept = read.flatMap { ConformancePattern.version(of: $0, key: "a") }
        expect(kept == 1, "a reader lost its bytes when the backend was closed")
        read?.release()
    }

    func endsPutTasks() {
        guard let object = make("a") else { return expect(false, "no object could be made") }
        let task = backend.submitPutTask("a", object)
        object.release()
        expect(task?.wait() == true, "a put task ends without storing")
        expect(task?.hasEnded == true, "a put task that was waited for has not ended")
        expect(!backend.existsInPutTasks("a"), "a put task that has ended is still there")
    }

    func countsReferences() {
        guard let object = make("a") else { return expect(false, "no object could be made") }
        _ = backend.submitPutTask("a", object)?.wait()
        let count = object.referenceCount
        expect(count == (conformance.isInMemory ? 2 : 1), "\(count) references after a put")
        let read = backend.getBlocking("a")
        if conformance.isInMemory { expect(object.referenceCount == 3, "a get adds no reference") }
        read?.release()
        expect(object.referenceCount == count, "a release gives no reference back")
        backend.remove("a")
        expect(object.referenceCount == 1, "a removal keeps a reference")
        object.release()
        expect(!object.isValid, "the last release does not free the object")
    }

    func storesOneObjectUnderTwoKeys() {
        guard let object = make("a", version: 7) else { return expect(false, "no object could be made") }
        for key in ["a", "b"] as [StorageKey] {
            expect(
                backend.submitPutTask(key, object)?.wait() == true,
                "an object cannot be stored under \(key)"
            )
        }
        object.release()
        expect(version(of: "a") == 7, "the first key of an object does not read as written")
        backend.remove("a")
        let other = backend.getBlocking("b")
        let version = other.flatMap { ConformancePattern.version(of: $0, key: "a") }
        expect(version == 7, "the second key of an object does not read as written")
        other?.release()
    }

    func keepsEveryLength() {
        for byteCount in [8, 9, 4_095, 4_096, 4_097, 100_003, 1 << 20] {
            let key = StorageKey("length-\(byteCount)")
            expect(put(key, version: byteCount, byteCount: byteCount), "\(byteCount) bytes were not stored")
            let object = backend.getBlocking(key)
            expect(
                object?.byteCount == byteCount,
                "\(byteCount) bytes came back as \(object?.byteCount ?? -1)"
            )
            object?.release()
            expect(version(of: key) == byteCount, "\(byteCount) bytes came back changed")
        }
    }
}
