internal import RepriseCore

/// One connection's thread: it does what is to be done, one thing after the other.
struct RemoteWorker {
    let work: RemoteWork
    let memory: LocalCPUBackend
    let serde: any Serde
    let connector: any RemoteConnector

    /// Runs until the backend is closed.
    func run() {
        while let job = work.next() {
            connector.deadline = ContinuousClock.now + work.limits.callTimeMax
            switch job {
            // Nobody waits for it any more.
            case .read(let read, let limit) where limit <= .now: read.drop()
            case .read(.exists(let keys, let call), _): exists(keys, call)
            case .read(.get(let key, let completion), _): get(key, completion)
            case .read(.list(let call), _):
                _ = call.end(attempt { () throws(RemoteError) in try connector.list() } ?? [])
            case .gets(let gets): get(gets)
            case .change(let key, let change): perform(change, of: key)
            case .probe: _ = attempt { () throws(RemoteError) in try connector.ping() }
            }
        }
        connector.close()
    }

    private func attempt<Result>(_ body: () throws(RemoteError) -> Result) -> Result? {
        do throws(RemoteError) {
            let result = try body()
            work.note(nil)
            return result
        } catch {
            work.note(error)
            return nil
        }
    }

    private func allocate(_ byteCount: Int, _ metadata: MemoryObjectMetadata) -> MemoryObject? {
        guard let object = memory.allocateForLoad(byteCount: byteCount) else { return nil }
        object.describe(as: metadata)
        return object
    }

    private func exists(_ keys: [StorageKey], _ call: RemoteCall<[Bool]>) {
        let found = attempt { () throws(RemoteError) in try connector.exists(keys) }
        _ = call.end(found ?? [Bool](repeating: false, count: keys.count))
    }

    private func get(_ key: StorageKey, _ completion: (MemoryObject?) -> Void) {
        let value = attempt { () throws(RemoteError) in try connector.get(key, allocate) }
        guard let value else { return completion(nil) }
        finish(value, completion)
    }

    private func get(_ gets: [(key: StorageKey, completion: @Sendable (MemoryObject?) -> Void)]) {
        var doneCount = 0
        _ = attempt { () throws(RemoteError) in
            try connector.get(gets.map(\.key), allocate) { index, value in
                doneCount = index + 1
                finish(value, gets[index].completion)
            }
        }
        for get in gets[doneCount...] { get.completion(nil) }
    }

    private func finish(_ value: RemoteValue, _ completion: (MemoryObject?) -> Void) {
        let object = value.object.flatMap(deserialize)
        work.state.withLock { $0.statistics.count(value, object) }
        completion(object)
    }

    private func deserialize(_ stored: MemoryObject) -> MemoryObject? {
        defer { stored.release() }
        guard let object = serde.deserialize(stored, allocate) else { return nil }
        // Who reads by the shape must not read past the end.
        if object.isWhole { return object }
        object.release()
        return nil
    }

    private func perform(_ change: RemoteBackend.Change, of key: StorageKey) {
        let outcome: RemoteBackend.ChangeOutcome
        switch change {
        case .put(let object, _): outcome = put(key, object)
        case .removal: outcome = remove(key)
        }
        work.perform { state in
            state.statistics.count(change, outcome)
            return state.changes.ended(key, outcome)
        }
    }

    private func put(_ key: StorageKey, _ object: MemoryObject) -> RemoteBackend.ChangeOutcome {
        guard let stored = serde.serialize(object, allocate) else { return .rejected }
        defer { stored.release() }
        return outcome { () throws(RemoteError) in
            try connector.put(key, stored)
            return true
        }
    }

    private func remove(_ key: StorageKey) -> RemoteBackend.ChangeOutcome {
        outcome { () throws(RemoteError) in try connector.remove(key) }
    }

    private func outcome(_ body: () throws(RemoteError) -> Bool) -> RemoteBackend.ChangeOutcome {
        do throws(RemoteError) {
            let wasStored = try body()
            work.note(nil)
            return .done(wasStored: wasStored)
        } catch {
            work.note(error)
            switch error.code {
            case .rejected where error.isOutage: return .failed(isUncertain: false)
            case .rejected, .invalidArgument: return .rejected
            // What could not be connected to has been sent nothing.
            case .refused, .unreachable: return .failed(isUncertain: false)
            default: return .failed(isUncertain: true)
            }
        }
    }
}

extension RemoteStatistics {
    fileprivate mutating func count(_ value: RemoteValue, _ object: MemoryObject?) {
        switch value {
        case .found:
            hitCount += object == nil ? 0 : 1
            corruptCount += object == nil ? 1 : 0
            readByteCount += UInt64(object?.byteCount ?? 0)
        case .absent: missCount += 1
        case .outOfMemory: noMemoryCount += 1
        case .corrupt: corruptCount += 1
        }
    }

    fileprivate mutating func count(_ change: RemoteBackend.Change, _ outcome: RemoteBackend.ChangeOutcome) {
        switch (change, outcome) {
        case (.put(let object, _), .done):
            storedCount += 1
            writtenByteCount += UInt64(object.byteCount)
        case (.put, _): failedPutCount += 1
        case (.removal, .done(let wasStored)): removedCount += wasStored ? 1 : 0
        case (.removal, _): break
        }
    }
}

extension MemoryObject {
    /// Whether the object has the bytes that its shape and element type ask for, if they ask for any.
    fileprivate var isWhole: Bool {
        guard let format = metadata.format, !format.isBinary, metadata.dtype != nil else { return true }
        return metadata.tensorByteCount == byteCount
    }
}
