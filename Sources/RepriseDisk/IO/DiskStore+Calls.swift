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

    /// Writes a part of a job's record: the first is the header, which needs the checksum of the whole value,
    /// and the value's first units, in one call.
    func write(_ job: PutJob, part: Int, of parts: RecordParts, deadline: Int64?) -> Result<Void, DiskIOError>
    {
        let object = job.object
        let page = part == 0 ? AlignedPages(copying: header(of: job, deadline: deadline).encoded) : nil
        let units = parts.payloadUnits(of: part)
        // A buffer outside the arena does not start at a page: it is copied to where it does.
        var copy: AlignedPages?
        if !object.isInArena { copy = AlignedPages(copying: object.bytes) }
        return call { () throws(DiskIOError) in
            var buffers: [UnsafeRawBufferPointer] = unsafe []
            if let page { unsafe buffers.append(UnsafeRawBufferPointer(page.bytes)) }
            if let value = unsafe copy?.bytes ?? object.units(units) {
                unsafe buffers.append(UnsafeRawBufferPointer(value))
            }
            let offset = (Int(job.startUnit) + parts.units(of: part).lowerBound) * AllocationUnit.byteCount
            try unsafe files.data.write(from: buffers, at: offset)
            if sync == .data { try files.data.sync() }
        }
    }

    private func header(of job: PutJob, deadline: Int64?) -> RecordHeader {
        let object = job.object
        return RecordHeader(
            identity: identity,
            startUnit: job.startUnit,
            sequence: job.sequence,
            key: job.key.bytes,
            metadata: object.metadata,
            payloadByteCount: object.byteCount,
            deadline: deadline,
            payloadChecksum: CRC32C.of(object.bytes)
        )
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

    /// Reads a part of a record into an object.
    ///
    /// - Returns: The checksum of the value's bytes in it and, of the first part, the header, proven.
    func read(
        _ job: LoadJob,
        part: Int,
        into object: MemoryObject
    ) -> Result<(checksum: UInt32, header: RecordHeader?), LoadFailure> {
        let page = part == 0 ? AlignedPages(count: 1) : nil
        let (units, all) = (job.parts.payloadUnits(of: part), job.parts.units(of: part))
        do throws(LoadFailure) {
            guard let value = unsafe object.units(units) else {
                preconditionFailure("values are read into blocks of the arena")
            }
            let buffers = unsafe page.map { unsafe [$0.bytes, value] } ?? [value]
            let offset = (Int(job.startUnit) + all.lowerBound) * AllocationUnit.byteCount
            let count = try reading { () throws(DiskIOError) in
                try unsafe files.data.read(into: buffers, at: offset)
            }
            guard count == all.count * AllocationUnit.byteCount else { throw .fault(.shortRead) }
            let header: RecordHeader? = if let page { try prove(page.span, job) } else { nil }
            return .success((checksum(of: object, units), header))
        } catch {
            return .failure(error)
        }
    }

    /// The checksum of the value's bytes in some of its units.
    private func checksum(of object: MemoryObject, _ units: Range<Int>) -> UInt32 {
        CRC32C.of(object.bytes.extracting(byteRange(of: object, units)))
    }

    private func byteRange(of object: MemoryObject, _ units: Range<Int>) -> Range<Int> {
        let start = units.lowerBound * AllocationUnit.byteCount
        return start..<max(start, min(units.upperBound * AllocationUnit.byteCount, object.byteCount))
    }

    /// What a record's parts come to, once all are read: the value proves itself, or not.
    func prove(_ loaded: LoadedParts, _ job: LoadJob, _ object: MemoryObject) -> Result<Void, LoadFailure> {
        if let failure = loaded.failure { return .failure(failure) }
        guard let header = loaded.header else { return .failure(.fault(.shortRead)) }
        var checksum = loaded.checksums[0]
        for part in loaded.checksums.indices.dropFirst() {
            checksum = CRC32C.combining(
                checksum,
                loaded.checksums[part],
                byteCount: byteRange(of: object, job.parts.payloadUnits(of: part)).count
            )
        }
        guard checksum == header.payloadChecksum else { return .failure(.fault(.checksum)) }
        object.describe(as: header.metadata)
        return .success(())
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
