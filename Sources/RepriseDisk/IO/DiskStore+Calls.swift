internal import RepriseCore

// SAFETY, whole file: buffers outlive the calls that they are passed to: pages belong to an object that the
// function holds, and a value's block is kept by the reference that its job holds.

extension DiskStore {
    /// What a call that throws came to.
    func call(_ body: () throws(DiskIOError) -> Void) -> Result<Void, DiskIOError> {
        do throws(DiskIOError) {
            return .success(try body())
        } catch {
            return .failure(error)
        }
    }

    /// Writes a job's record: header and value in one call.
    func write(_ job: PutJob, deadline: Int64?) -> Result<Void, DiskIOError> {
        let object = job.object
        let header = RecordHeader(
            identity: identity,
            startUnit: job.startUnit,
            sequence: job.sequence,
            key: job.key.bytes,
            metadata: object.metadata,
            payloadByteCount: object.byteCount,
            deadline: deadline,
            payloadChecksum: CRC32C.of(object.bytes)
        )
        let page = AlignedPages(copying: header.encoded)
        // A buffer outside the arena does not start at a page: it is copied to where it does.
        let copy = unsafe object.paddedBytes == nil ? AlignedPages(copying: object.bytes) : nil
        return call { () throws(DiskIOError) in
            let value = unsafe UnsafeRawBufferPointer(copy?.bytes ?? object.paddedBytes ?? page.bytes)
            let offset = Int(job.startUnit) * AllocationUnit.byteCount
            try unsafe files.data.write(from: [UnsafeRawBufferPointer(page.bytes), value], at: offset)
            if sync == .data { try files.data.sync() }
        }
    }

    /// Writes over a record's header.
    func writeTombstone(at startUnit: UInt32) -> Result<Void, DiskIOError> {
        let page = AlignedPages(copying: RecordHeader.tombstone)
        return call { () throws(DiskIOError) in
            let offset = Int(startUnit) * AllocationUnit.byteCount
            try unsafe files.data.write(from: [UnsafeRawBufferPointer(page.bytes)], at: offset)
            if sync == .data { try files.data.sync() }
        }
    }

    /// Reads a record into an object, and proves it.
    func readRecord(_ job: LoadJob, into object: MemoryObject) -> Result<Void, LoadFailure> {
        let page = AlignedPages(count: 1)
        do throws(LoadFailure) {
            guard let value = unsafe object.paddedBytes else {
                preconditionFailure("values are read into blocks of the arena")
            }
            let wanted = unsafe page.bytes.count + value.count
            let offset = Int(job.startUnit) * AllocationUnit.byteCount
            let count = try reading { () throws(DiskIOError) in
                try unsafe files.data.read(into: [page.bytes, value], at: offset)
            }
            guard count == wanted else { throw .fault(.shortRead) }
            let header = try prove(page.span, job)
            guard CRC32C.of(object.bytes) == header.payloadChecksum else { throw .fault(.checksum) }
            object.describe(as: header.metadata)
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    /// Rewrites a record's header with another deadline.
    func rewriteDeadline(
        at startUnit: UInt32,
        of sequence: RecordSequence,
        to deadline: Int64?
    ) -> Result<Void, LoadFailure> {
        let page = AlignedPages(count: 1)
        do throws(LoadFailure) {
            let offset = Int(startUnit) * AllocationUnit.byteCount
            let count = try reading { () throws(DiskIOError) in
                try unsafe files.data.read(into: [page.bytes], at: offset)
            }
            guard unsafe count == page.bytes.count else { throw .fault(.shortRead) }
            var header = try decode(page.span, startUnit)
            guard header.sequence == sequence else { throw .fault(.sequence) }
            header.deadline = deadline
            unsafe page.bytes.copyBytes(from: header.encoded)
            _ = try reading { () throws(DiskIOError) in
                try unsafe files.data.write(from: [UnsafeRawBufferPointer(page.bytes)], at: offset)
                if sync == .data { try files.data.sync() }
                return 0
            }
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    /// Writes a superblock over the older of its two copies.
    func write(_ superblock: Superblock) -> Result<Void, DiskIOError> {
        let page = AlignedPages(copying: superblock.encoded)
        return call { () throws(DiskIOError) in
            let offset = Int(superblock.saveNumber % 2) * AllocationUnit.byteCount
            try unsafe files.data.write(from: [UnsafeRawBufferPointer(page.bytes)], at: offset)
            try files.data.sync()
        }
    }

    private func reading(_ body: () throws(DiskIOError) -> Int) throws(LoadFailure) -> Int {
        do throws(DiskIOError) {
            return try body()
        } catch {
            throw .call(error)
        }
    }

    private func decode(
        _ page: RawSpan,
        _ startUnit: UInt32
    ) throws(LoadFailure) -> RecordHeader {
        do throws(RecordFault) {
            return try RecordHeader.decode(page, identity: identity, startUnit: startUnit)
        } catch {
            throw .fault(error)
        }
    }

    /// The header of a record that is what the index expects.
    private func prove(_ page: RawSpan, _ job: LoadJob) throws(LoadFailure) -> RecordHeader {
        let header = try decode(page, job.startUnit)
        let fault = header.fault(
            key: job.key.bytes,
            sequence: job.sequence,
            payloadByteCount: job.payloadByteCount
        )
        if let fault { throw .fault(fault) }
        if let deadline = header.deadline, deadline <= wallClock.nowMilliseconds { throw .fault(.expired) }
        return header
    }
}
