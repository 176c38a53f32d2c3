internal import RepriseCore
public import RepriseDisk

// SAFETY, whole file: buffers outlive the calls that they are passed to, as `DiskFile` promises; offsets are
// checked against the simulated files' lengths.

/// A directory in memory whose files forget, tear and lie as a seed says, and survive the death of whoever
/// uses them as the files of a disk do.
///
/// Everything written is seen by later reads. The death of the process keeps it; the loss of power keeps what
/// was synced, and of the rest any of its sectors. Calls of handles that were opened before a crash fail.
public final class SimulatedDirectory: DiskDirectory {
    /// What a transfer may be torn into.
    public static let sectorByteCount = 4096
    /// What calls fail with after a crash: EIO.
    static let ioError: Int32 = 5
    /// Earlier writes that a repeated one is chosen from.
    private static let rememberedWriteCountMax = 32

    struct File {
        var bytes: [UInt8] = []
        var durable: [UInt8] = []
        /// Sectors that were written since the last sync, in their order.
        var unsynced: [(offset: Int, bytes: [UInt8])] = []
        /// Earlier writes, for those that are repeated.
        var remembered: [(offset: Int, bytes: [UInt8])] = []
    }

    struct State {
        var files: [String: File] = [:]
        var generator: SeededGenerator
        var faults = SimulatedFaults()
        /// Grows with each crash: handles of an earlier life are dead.
        var life = 0
        var isDead = false
        var callCount = 0
        /// The call that the process dies in, or `nil`.
        var crashCall: Int?
        var byteCountMax: Int
    }

    let state: Lock<State>

    /// Creates an empty directory.
    ///
    /// - Parameter byteCountMax: What its file system has.
    public init(seed: UInt64, byteCountMax: Int = 1 << 30) {
        state = Lock(State(generator: SeededGenerator(seed: seed), byteCountMax: byteCountMax))
    }

    /// How often calls go wrong from now on.
    public var faults: SimulatedFaults {
        get { state.withLock { $0.faults } }
        set { state.withLock { $0.faults = newValue } }
    }

    /// Calls made so far.
    public var callCount: Int { state.withLock { $0.callCount } }

    /// Whether the process has died in a call.
    public var isDead: Bool { state.withLock { $0.isDead } }

    /// Lets the process die in a call, so many calls from now.
    public func crash(afterCalls count: Int) {
        state.withLock { $0.crashCall = $0.callCount + count }
    }

    /// Ends a life: whoever has opened files must open them again.
    public func restart(losingPower: Bool) {
        state.withLock { state in
            state.life += 1
            state.isDead = false
            state.crashCall = nil
            guard losingPower else { return }
            for name in state.files.keys.sorted() { state.losePower(name) }
        }
    }

    /// Opens a file.
    public func open(_ name: String, creating: Bool, isDirect: Bool) throws(DiskIOError) -> any DiskFile {
        let life = try state.withLock { state throws(DiskIOError) in
            try state.beginCall(life: state.life, name)
            if state.files[name] == nil {
                guard creating else { throw DiskIOError(errorNumber: 2, call: "open(\(name))") }
                state.files[name] = File()
            }
            return state.life
        }
        return SimulatedFile(directory: self, name: name, life: life, isDirect: isDirect)
    }

    /// Whether a file is there.
    public func contains(_ name: String) -> Bool { state.withLock { $0.files[name] != nil } }

    /// Removes a file.
    public func remove(_ name: String) { state.withLock { $0.files[name] = nil } }

    /// Names survive anyway.
    public func sync() {}

    /// Bytes that are left.
    public func freeByteCount() -> Int {
        state.withLock { state in
            state.byteCountMax - state.files.values.reduce(0) { $0 + $1.bytes.count }
        }
    }

    /// Bytes of all files.
    public var byteCount: Int { state.withLock { $0.files.values.reduce(0) { $0 + $1.bytes.count } } }

    /// Changes a file's bytes behind everybody's back, durably.
    public func change(_ name: String, _ body: (inout [UInt8]) -> Void) {
        state.withLock { state in
            guard var file = state.files.removeValue(forKey: name) else { return }
            body(&file.bytes)
            file.durable = file.bytes
            file.unsynced = []
            state.files[name] = file
        }
    }

    func write(_ name: String, life: Int, _ bytes: [UInt8], at offset: Int) throws(DiskIOError) {
        try state.withLock { state throws(DiskIOError) in
            try state.write(name, life: life, bytes, at: offset, memory: Self.rememberedWriteCountMax)
        }
    }
}

extension SimulatedDirectory.State {
    mutating func happens(_ chance: Double) -> Bool {
        chance > 0 && Double.random(in: 0..<1, using: &generator) < chance
    }

    /// Counts a call; fails it when its handle or its process is dead, or dies in it.
    mutating func beginCall(life: Int, _ name: String) throws(DiskIOError) {
        guard life == self.life, !isDead else {
            throw DiskIOError(errorNumber: SimulatedDirectory.ioError, call: "dead(\(name))")
        }
        callCount += 1
        guard let crashCall, callCount >= crashCall else { return }
        isDead = true
        throw DiskIOError(errorNumber: SimulatedDirectory.ioError, call: "died(\(name))")
    }

    mutating func write(
        _ name: String,
        life: Int,
        _ bytes: [UInt8],
        at offset: Int,
        memory: Int
    ) throws(DiskIOError) {
        do throws(DiskIOError) {
            try beginCall(life: life, name)
        } catch {
            if error.call.hasPrefix("died") { apply(name, bytes, at: offset, keeping: 0.5) }
            throw error
        }
        if happens(faults.noSpace) {
            throw DiskIOError(errorNumber: DiskIOError.noSpace, call: "write(\(name))")
        }
        if happens(faults.writeError) {
            apply(name, bytes, at: offset, keeping: 0.5)
            throw DiskIOError(errorNumber: SimulatedDirectory.ioError, call: "write(\(name))")
        }
        if happens(faults.lostWrite) { return }
        var bytes = bytes
        var place = offset
        if happens(faults.flippedWrite), !bytes.isEmpty {
            let bit = Int.random(in: 0..<(bytes.count * 8), using: &generator)
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        }
        let length = files[name]?.bytes.count ?? 0
        if happens(faults.misdirectedWrite), length > bytes.count {
            let page = SimulatedDirectory.sectorByteCount
            place = Int.random(in: 0...((length - bytes.count) / page), using: &generator) * page
        }
        apply(name, bytes, at: place, keeping: 1)
        if happens(faults.repeatedWrite), let old = files[name]?.remembered.randomElement(using: &generator) {
            apply(name, old.bytes, at: old.offset, keeping: 1)
        }
        files[name]?.remembered.append((offset, bytes))
        if let count = files[name]?.remembered.count, count > memory { files[name]?.remembered.removeFirst() }
    }

    /// Writes sectors, each with a chance.
    private mutating func apply(_ name: String, _ bytes: [UInt8], at offset: Int, keeping chance: Double) {
        guard var file = files.removeValue(forKey: name) else { return }
        var start = 0
        while start < bytes.count {
            let sector = SimulatedDirectory.sectorByteCount
            // Up to the end of the sector that the position lies in.
            let end = min(bytes.count, start + sector - (offset + start) % sector)
            if chance >= 1 || happens(chance) {
                let piece = Array(bytes[start..<end])
                let stop = offset + end
                if file.bytes.count < stop {
                    file.bytes += [UInt8](repeating: 0, count: stop - file.bytes.count)
                }
                file.bytes.replaceSubrange((offset + start)..<stop, with: piece)
                file.unsynced.append((offset + start, piece))
            }
            start = end
        }
        files[name] = file
    }

    /// Forgets some of what was not synced.
    mutating func losePower(_ name: String) {
        guard var file = files.removeValue(forKey: name) else { return }
        var bytes = file.durable
        if bytes.count < file.bytes.count {
            bytes += [UInt8](repeating: 0, count: file.bytes.count - bytes.count)
        }
        for write in file.unsynced where happens(0.5) {
            bytes.replaceSubrange(write.offset..<(write.offset + write.bytes.count), with: write.bytes)
        }
        file.bytes = bytes
        file.durable = bytes
        file.unsynced = []
        files[name] = file
    }
}
