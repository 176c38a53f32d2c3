internal import CReprise
internal import CRepriseShims
internal import Glibc
internal import RepriseCore

// SAFETY, whole file: reads and writes of the event's descriptor are of 8 bytes that live during the call.

/// The submitted batches of a client, and the threads that carry them out.
final class BatchQueue: Sendable {
    /// A batch that has ended.
    struct Ended: Sendable {
        let number: UInt64
        let status: Status
    }

    private struct State {
        var lastNumber: UInt64 = 0
        var waiting = Fifo<(number: UInt64, batch: SubmittedBatch)>()
        var ended = Fifo<Ended>()
        /// Submitted and not drained.
        var submittedCount = 0
        var errors = RememberedErrors()
        var isClosed = false
    }

    private let state = Lock(State())
    private let work = Condition()
    private let store: any Store
    private let owner: UInt64
    private let threads = Lock<[Thread]>([])
    /// Readable while ended batches wait to be drained.
    let event: Int32

    /// Starts the threads.
    ///
    /// - Throws: `system` when the system refuses a thread or a descriptor.
    init(store: any Store, threadCount: Int, owner: UInt64) throws(CallError) {
        self.store = store
        self.owner = owner
        event = reprise_eventfd()
        guard event >= 0 else {
            throw CallError(.system, "no descriptor for events: \(systemMessage(-event))")
        }
        Registry.shared.note(event, of: owner)
        do throws(StorageError) {
            for _ in 0..<threadCount {
                let thread = try Thread.start(name: "reprise-copy") { [self] in work(until: ()) }
                threads.withLock { $0.append(thread) }
            }
        } catch {
            close()
            throw CallError(.system, error.message)
        }
    }

    /// Adds a batch; returns its number.
    ///
    /// - Throws: `noRoom` when too many are submitted and not drained.
    func submit(_ batch: SubmittedBatch) throws(CallError) -> UInt64 {
        let number = state.withLock { state -> UInt64? in
            guard state.submittedCount < ClientLimits.submittedBatchCountMax else { return nil }
            state.submittedCount += 1
            state.lastNumber += 1
            state.waiting.append((state.lastNumber, batch))
            return state.lastNumber
        }
        guard let number else {
            throw CallError(
                .noRoom,
                "\(ClientLimits.submittedBatchCountMax) batches are submitted; call reprise_drain first"
            )
        }
        work.signal()
        return number
    }

    /// Takes ended batches out, up to `capacity` of them.
    func drain(_ capacity: Int) -> [Ended] {
        // Cleared first: what ends from now on makes it readable again.
        var count: UInt64 = 0
        _ = unsafe Glibc.read(event, &count, MemoryLayout<UInt64>.size)
        let (ended, isMore) = state.withLock { state in
            var ended: [Ended] = []
            while ended.count < capacity, let next = state.ended.popFirst() { ended.append(next) }
            state.submittedCount -= ended.count
            return (ended, !state.ended.isEmpty)
        }
        if isMore { signalEvent() }
        return ended
    }

    /// The message of a batch that did not succeed, while it is remembered.
    func error(of number: UInt64) -> String? { state.withLock { $0.errors[number] } }

    /// Fails what is not begun, waits for what is, and ends the threads.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            return state.waiting.takeAll()
        }
        for (number, _) in waiting { end(number, CallError(.closed, "the client was closed")) }
        work.broadcast()
        for thread in threads.withLock({ $0 }) { thread.join() }
        Registry.shared.close(event, of: owner)
    }

    /// What each of the threads does until the queue is closed.
    private func work(until end: Void) {
        while true {
            let next = state.withLock(waitingFor: work, atMost: .seconds(3600)) { state in
                state.waiting.popFirst().map { .some($0) } ?? (state.isClosed ? .some(nil) : nil)
            }
            guard let next else { continue }
            guard let (number, batch) = next else { return }
            do throws(CallError) {
                try batch.run(on: store)
                self.end(number, nil)
            } catch {
                self.end(number, error)
            }
        }
    }

    private func end(_ number: UInt64, _ error: CallError?) {
        let isFirst = state.withLock { state in
            if let error { state.errors.add(error.message, of: number) }
            defer { state.ended.append(Ended(number: number, status: error?.status ?? .ok)) }
            return state.ended.isEmpty
        }
        if isFirst { signalEvent() }
    }

    private func signalEvent() {
        // The count cannot overflow: it is added to only when the list was empty or drained in part.
        var one: UInt64 = 1
        _ = unsafe Glibc.write(event, &one, MemoryLayout<UInt64>.size)
    }
}

/// The messages of the last batches that did not succeed.
private struct RememberedErrors {
    private var messages: [UInt64: String] = [:]
    private var order = Fifo<UInt64>()

    subscript(number: UInt64) -> String? { messages[number] }

    mutating func add(_ message: String, of number: UInt64) {
        messages[number] = message
        order.append(number)
        if order.count > ClientLimits.rememberedErrorCountMax, let oldest = order.popFirst() {
            messages[oldest] = nil
        }
    }
}
