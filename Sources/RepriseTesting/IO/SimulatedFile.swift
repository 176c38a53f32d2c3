internal import RepriseCore
internal import RepriseDisk

// SAFETY, whole file: buffers outlive the calls that they are passed to, as `DiskFile` promises.

/// A file of a ``SimulatedDirectory``.
final class SimulatedFile: DiskFile {
    private let directory: SimulatedDirectory
    private let name: String
    private let life: Int
    let isDirect: Bool

    init(directory: SimulatedDirectory, name: String, life: Int, isDirect: Bool) {
        self.directory = directory
        self.name = name
        self.life = life
        self.isDirect = isDirect
    }

    func read(into buffers: [UnsafeMutableRawBufferPointer], at offset: Int) throws(DiskIOError) -> Int {
        let wanted = unsafe buffers.reduce(0) { $0 + $1.count }
        checkAlignment(offset, wanted)
        var found = try directory.state.withLock { state throws(DiskIOError) in
            try state.beginCall(life: life, name)
            return try state.read(name, at: offset, byteCount: wanted)
        }
        let count = found.count
        for index in unsafe buffers.indices {
            let buffer = unsafe buffers[index]
            let piece = found.prefix(buffer.count)
            unsafe buffer.copyBytes(from: piece)
            found.removeFirst(piece.count)
        }
        return count
    }

    func write(from buffers: [UnsafeRawBufferPointer], at offset: Int) throws(DiskIOError) {
        let bytes = unsafe buffers.flatMap { unsafe Array($0) }
        checkAlignment(offset, bytes.count)
        try directory.write(name, life: life, bytes, at: offset)
    }

    func sync() throws(DiskIOError) {
        try directory.state.withLock { state throws(DiskIOError) in
            try state.beginCall(life: life, name)
            if state.happens(state.faults.syncError) {
                // What was to be made durable may never be, whatever later syncs say: see fsync(2).
                state.files[name]?.unsynced = []
                throw DiskIOError(errorNumber: SimulatedDirectory.ioError, call: "sync(\(name))")
            }
            guard var file = state.files.removeValue(forKey: name) else { return }
            // A file that grew: what was not written reads as zeros.
            let missing = file.bytes.count - file.durable.count
            if missing > 0 { file.durable += [UInt8](repeating: 0, count: missing) }
            for write in file.unsynced {
                file.durable.replaceSubrange(
                    write.offset..<(write.offset + write.bytes.count),
                    with: write.bytes
                )
            }
            file.unsynced = []
            state.files[name] = file
        }
    }

    func byteCount() throws(DiskIOError) -> Int {
        directory.state.withLock { $0.files[name]?.bytes.count ?? 0 }
    }

    func allocate(byteCount: Int) throws(DiskIOError) {
        try directory.state.withLock { state throws(DiskIOError) in
            try state.beginCall(life: life, name)
            guard var file = state.files.removeValue(forKey: name) else { return }
            let missing = byteCount - file.bytes.count
            if missing > 0 { file.bytes += [UInt8](repeating: 0, count: missing) }
            file.bytes.removeLast(max(0, -missing))
            if missing > 0 {
                file.durable += [UInt8](repeating: 0, count: file.bytes.count - file.durable.count)
            }
            file.durable.removeLast(max(0, file.durable.count - file.bytes.count))
            state.files[name] = file
        }
    }

    /// Transfers past the page cache are of whole pages.
    private func checkAlignment(_ offset: Int, _ byteCount: Int) {
        let page = SimulatedDirectory.sectorByteCount
        precondition(!isDirect || offset % page == 0 && byteCount % page == 0, "a transfer of parts of pages")
    }
}

extension SimulatedDirectory.State {
    fileprivate mutating func read(_ name: String, at offset: Int, byteCount: Int) throws(DiskIOError)
        -> [UInt8]
    {
        if happens(faults.readError) {
            throw DiskIOError(errorNumber: SimulatedDirectory.ioError, call: "read(\(name))")
        }
        guard let file = files[name], offset < file.bytes.count else { return [] }
        var end = min(file.bytes.count, offset + byteCount)
        if happens(faults.shortRead) {
            end = Int.random(in: offset..<max(offset + 1, end), using: &generator)
        }
        var found = Array(file.bytes[offset..<end])
        if happens(faults.flippedRead), !found.isEmpty {
            let bit = Int.random(in: 0..<(found.count * 8), using: &generator)
            found[bit / 8] ^= 1 << UInt8(bit % 8)
        }
        return found
    }
}
