internal import RepriseCore
internal import RepriseDisk

// SAFETY, whole file: references to keys are not kept beyond the calls that they are given to.

extension SimulationRun {
    /// Does one thing.
    func step() {
        let key = key(Int.random(in: 0..<Self.keyCount, using: &generator))
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<22: put(key)
        case 22..<40: get(key)
        case 40..<46: remove(key)
        case 46..<50: setDeadline(key)
        case 50..<52: if chance(0.3) { removeAll() }
        case 52..<55:
            clock.advance(milliseconds: Int64.random(in: 1...2_000, using: &generator))
            disk?.disks[0].tick()
        case 55..<57: engine.runAll()
        case 57..<58: stopAndOpen()
        case 58..<60:
            if chance(0.5) { directory.crash(afterCalls: Int.random(in: 1...20, using: &generator)) }
        case 60..<61: hang()
        default: for _ in 0..<3 { _ = engine.runOne(using: &generator) }
        }
    }

    private func stopAndOpen() {
        guard chance(0.5) else { return }
        stopInOrder()
        if disk == nil { open() }
        checkOrder()
    }

    /// A call does not return in time, and the disk is taken out; later it does.
    private func hang() {
        guard chance(0.05) else { return }
        engine.longestRunMilliseconds = 60_000
        disk?.disks[0].tick()
        engine.longestRunMilliseconds = 0
    }

    private func makeDeadline() -> Int64? {
        chance(0.2) ? clock.now + Int64.random(in: 1...5_000, using: &generator) : nil
    }

    /// Counts a change as acknowledged once it is recorded.
    private func acknowledge(_ counts: [StorageKey: Int], _ change: RecordedChange?) {
        let life = life
        if counts.count == 1 { trace("\(counts) is \(change == nil ? "acknowledged" : "to be recorded")") }
        guard let change else { return model.acknowledge(counts, life: life, in: life) }
        change.whenRecorded { [self] in
            if counts.count == 1 { trace("\(counts) is recorded, asked in life \(life)") }
            // A disk that is out acknowledges what it cannot record, and says so.
            // A process that has died acknowledges nothing.
            guard let disk, !disk.disks[0].isOut, !directory.isDead else { return }
            model.acknowledge(counts, life: life, in: self.life)
        }
    }

    // MARK: Changes

    func put(_ key: StorageKey) {
        let byteCount = [8, 100, 4096, 5000, 20_000, 60_000].randomElement(using: &generator) ?? 8
        let deadline = makeDeadline()
        durable[key] = nil
        if hasMemoryInFront {
            putThroughMemory(key, byteCount, deadline)
        } else {
            putOnDisk(key, byteCount, deadline)
        }
    }

    private func putThroughMemory(_ key: StorageKey, _ byteCount: Int, _ deadline: Int64?) {
        guard let memory,
            case .reserved(let reservation) = memory.reserve(
                for: key,
                byteCount: byteCount,
                metadata: .plain(byteCount: byteCount),
                whenRoomReturns: {}
            )
        else { return }
        let version = model.put(key, byteCount: byteCount, deadline: deadline, isProtected: !isUnprotected)
        trace("put \(key) version \(version), \(byteCount) bytes")
        let bytes = ConformancePattern.bytes(key: key, version: version, count: byteCount)
        reservation.object.copy(from: bytes.rawSpan)
        var batch = StoreBatch()
        batch.append(
            putting: reservation,
            key: key.bytes.rawSpan,
            expiry: deadline.map { .at(milliseconds: $0) } ?? .never
        )
        memory.perform(&batch)
        acknowledge([key: model.changeCount(of: key)], batch.takeChange())
    }

    private func putOnDisk(_ key: StorageKey, _ byteCount: Int, _ deadline: Int64?) {
        guard let memory, let disk, let object = memory.allocateForLoad(byteCount: byteCount) else { return }
        let version = model.put(key, byteCount: byteCount, deadline: deadline, isProtected: !isUnprotected)
        trace("put \(key) version \(version), \(byteCount) bytes")
        let bytes = ConformancePattern.bytes(key: key, version: version, count: byteCount)
        object.copy(from: bytes.rawSpan)
        let count = model.changeCount(of: key)
        let change = unsafe key.withReference { unsafe disk.withdraw($0) }
        let task = unsafe key.withReference { unsafe disk.submit($0, object, deadline: deadline) }
        object.release()
        disk.start()
        acknowledge([key: count], change)
        if let task { putTasks.append((key, version, task)) }
    }

    func remove(_ key: StorageKey) {
        guard let memory, let disk else { return }
        durable[key] = nil
        trace("remove \(key)")
        model.remove(key, isProtected: !isUnprotected)
        let count = model.changeCount(of: key)
        if hasMemoryInFront {
            acknowledge([key: count], memory.removeRecording(key).change)
        } else {
            let change = unsafe key.withReference { unsafe disk.withdraw($0) }
            disk.start()
            acknowledge([key: count], change)
        }
    }

    func removeAll() {
        trace("remove all")
        durable = [:]
        model.removeAll(isProtected: !isUnprotected)
        let counts = model.changeCounts
        acknowledge(counts, hasMemoryInFront ? memory?.removeAllRecording() : disk?.withdrawAll())
    }

    func setDeadline(_ key: StorageKey) {
        let deadline = makeDeadline()
        guard let memory, let disk, let version = model.allowed(key).first, model.allowed(key).count == 1
        else {
            return
        }
        durable[key] = nil
        if hasMemoryInFront {
            var batch = StoreBatch()
            if let deadline {
                batch.append(.setDeadline(milliseconds: deadline, []), key: key.bytes.rawSpan)
            } else {
                batch.append(.persist, key: key.bytes.rawSpan)
            }
            memory.perform(&batch)
            if batch.result(at: 0) == 1 { model.setDeadline(version, to: deadline) }
        } else if disk.contains(key) {
            model.setDeadline(version, to: deadline)
            _ = unsafe key.withReference { unsafe disk.setDeadline($0, to: deadline) }
            disk.start()
        }
    }

    // MARK: Reads

    func get(_ key: StorageKey) {
        guard let memory, let disk else { return }
        guard hasMemoryInFront else {
            let isStored = disk.beginLoad(key, promoting: false) { [self, life] in loaded(key, $0, life: life)
            }
            if !isStored { report.missCount += 1 }
            return
        }
        switch memory.lookUp(key) {
        case .absent: report.missCount += 1
        case .object(let object): loaded(key, object, life: life)
        case .mustLoad: disk.load(key) { [self, life] in loaded(key, $0, life: life) }
        }
    }

    /// Compares a value that was read with those that may be.
    private func loaded(_ key: StorageKey, _ object: MemoryObject?, life: Int) {
        trace("read of \(key): \(object.map { ConformancePattern.version(of: $0, key: key) ?? -1 } ?? -2)")
        guard let object else {
            report.missCount += 1
            return
        }
        defer { object.release() }
        guard life == self.life else { return }
        report.readCount += 1
        guard let version = ConformancePattern.version(of: object, key: key) else {
            return fail("a read of \(key) returned bytes that were never put")
        }
        let allowed = model.allowed(key)
        guard allowed.contains(version) else {
            return fail("a read of \(key) returned version \(version); allowed are \(allowed.sorted())")
        }
        if object.byteCount != model.versions[version].byteCount {
            fail("version \(version) has another length")
        }
        if model.hasExpired(version, now: clock.now) { fail("version \(version) of \(key) has expired") }
        model.observe(version, of: key)
    }

    /// Notes which puts have ended.
    func collectPutTasks() {
        for (key, version, task) in putTasks where task.hasEnded {
            guard sync == .data, task.wait(), model.allowed(key) == [version] else { continue }
            // One whose deadline was changed may be gone by now.
            if model.versions[version].allDeadlines.count == 1 { durable[key] = version }
        }
        putTasks.removeAll { $0.task.hasEnded }
    }
}
