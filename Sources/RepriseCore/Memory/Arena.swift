internal import CRepriseShims
internal import Glibc
internal import Synchronization

// SAFETY, whole file: every address lies within the mapping that `init` made and `deinit` ends; sizes are
// those it was made with.

/// One sealed, anonymous memory file, mapped once at a 2 MiB boundary and provided in address order.
///
/// Fresh pages cost several times a copy into touched ones, so the arena is touched once, 2 MiB at a time,
/// and each step is then collapsed into a huge page (possible only before anyone uses it). Only what is
/// populated may be used.
///
/// - Source: memfd_create(2), madvise(2) MADV_POPULATE_WRITE and MADV_COLLAPSE.
@safe
final class Arena: Sendable {
    /// Bytes populated in one step: a huge page.
    static let stepByteCount = 2 << 20

    // SAFETY: maps `byteCount` bytes from `init` to `deinit`.
    nonisolated(unsafe) let base: UnsafeMutableRawPointer
    let byteCount: Int
    let descriptor: Int32
    private let locksMemory: Bool
    private let progress = Lock(Progress())
    private let populated = Atomic(false)
    private let stopped = Atomic(false)

    fileprivate struct Progress {
        var claimedStepCount = 0
        var publishedStepCount = 0
        var finishedSteps: Set<Int> = []
        var report = ArenaReport()
    }

    /// Creates an arena of `byteCount` bytes, none of them populated.
    ///
    /// - Throws: `system` when the kernel has no memory file or address space to give.
    init(byteCount: Int, locksMemory: Bool) throws(StorageError) {
        let step = Arena.stepByteCount
        descriptor = unsafe reprise_memfd_create_sealed("reprise-arena", UInt64(byteCount))
        guard descriptor >= 0 else {
            throw StorageError(
                .system,
                "memfd_create of \(byteCount) bytes failed: \(systemMessage(-descriptor))"
            )
        }
        let reserve = unsafe mmap(
            nil,
            byteCount + step,
            PROT_NONE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
            -1,
            0
        )
        guard let reserve = unsafe reserve, unsafe reserve != MAP_FAILED else {
            let error = errno
            close(descriptor)
            throw StorageError(.system, "no address space for \(byteCount) bytes: \(systemMessage(error))")
        }
        let misalignment = Int(bitPattern: reserve) % step
        // SAFETY: the reserve has a step more than the arena needs, so the aligned part lies within it.
        unsafe base = reserve + (misalignment == 0 ? 0 : step - misalignment)
        let flags = MAP_SHARED | MAP_FIXED
        let mapped = unsafe mmap(base, byteCount, PROT_READ | PROT_WRITE, flags, descriptor, 0)
        guard unsafe mapped != MAP_FAILED else {
            let error = errno
            unsafe munmap(reserve, byteCount + step)
            close(descriptor)
            throw StorageError(.system, "mapping \(byteCount) bytes failed: \(systemMessage(error))")
        }
        unsafe Arena.trim(reserve: reserve, keeping: base, byteCount: byteCount)
        self.byteCount = byteCount
        self.locksMemory = locksMemory
        _ = unsafe reprise_advise_huge_pages(base, byteCount)
    }

    deinit {
        // SAFETY: pool and blocks hold the arena, so nothing refers to it any more.
        unsafe munmap(base, byteCount)
        close(descriptor)
    }

    /// Gives back the address space around the mapping.
    private static func trim(
        reserve: UnsafeMutableRawPointer,
        keeping base: UnsafeMutableRawPointer,
        byteCount: Int
    ) {
        let before = unsafe base - reserve
        if before > 0 { unsafe munmap(reserve, before) }
        let pageByteCount = AllocationUnit.byteCount
        let mappedByteCount = (byteCount + pageByteCount - 1) / pageByteCount * pageByteCount
        let after = byteCount + stepByteCount - before - mappedByteCount
        // SAFETY: both ends lie within the reserve.
        if after > 0 { unsafe munmap(base + mappedByteCount, after) }
    }

    /// What the system gave and refused so far.
    var report: ArenaReport { progress.withLock { $0.report } }

    private var stepCount: Int { (byteCount + Arena.stepByteCount - 1) / Arena.stepByteCount }

    /// Populates the next step, unless another thread has claimed the last one.
    ///
    /// - Parameter publish: Called with the number of bytes that became usable, in address order, never
    ///   concurrently.
    /// - Returns: `false` when no step is left to claim, or after ``stopPopulating()``.
    func populateNextStep(publish: (Int) -> Void) -> Bool {
        guard !stopped.load(ordering: .relaxed) else { return false }
        let claim = progress.withLock { progress -> (step: Int, wantsHugePage: Bool)? in
            guard progress.claimedStepCount < stepCount, progress.report.populationError == 0 else {
                return nil
            }
            progress.claimedStepCount += 1
            return (progress.claimedStepCount - 1, progress.report.hugePageError == 0)
        }
        guard let claim else { return false }
        let outcome = populate(step: claim.step, wantsHugePage: claim.wantsHugePage)
        progress.withLock { progress in
            progress.record(outcome, step: claim.step)
            let published = progress.publish(arenaByteCount: byteCount)
            if published > 0 { publish(published) }
            // Pairs with `isPopulated`: whoever reads true finds everything that was published.
            let isLast = progress.publishedStepCount == stepCount || progress.report.populationError != 0
            if isLast { populated.store(true, ordering: .releasing) }
        }
        return true
    }

    /// Lets no further step be claimed: nobody wants the memory any more.
    func stopPopulating() { stopped.store(true, ordering: .relaxed) }

    /// Whether every step is populated and published, or population has stopped for good.
    ///
    /// Takes no lock: it is asked under the pool's, which `publish` takes under the arena's.
    var isPopulated: Bool { populated.load(ordering: .acquiring) }

    fileprivate struct Outcome {
        var byteCount = 0
        var populationError: Int32 = 0
        var hugePageError: Int32 = 0
        var isHugePage = false
        var lockError: Int32 = 0
        var isLocked = false
    }

    private func populate(step: Int, wantsHugePage: Bool) -> Outcome {
        let offset = step * Arena.stepByteCount
        let length = min(Arena.stepByteCount, byteCount - offset)
        // SAFETY: the step lies within the mapping, and nobody else uses it before it is published.
        let address = unsafe base + offset
        var outcome = Outcome(byteCount: length)
        outcome.populationError = unsafe -reprise_populate_write(address, length)
        guard outcome.populationError == 0 else { return outcome }
        if wantsHugePage, length == Arena.stepByteCount {
            outcome.hugePageError = unsafe -reprise_collapse_huge_page(address, length)
            outcome.isHugePage = outcome.hugePageError == 0
        }
        if locksMemory {
            outcome.isLocked = unsafe mlock(address, length) == 0
            outcome.lockError = outcome.isLocked ? 0 : errno
        }
        return outcome
    }
}

extension Arena.Progress {
    fileprivate mutating func record(_ outcome: Arena.Outcome, step: Int) {
        if outcome.populationError != 0 {
            report.populationError = outcome.populationError
        } else {
            finishedSteps.insert(step)
        }
        if report.hugePageError == 0 { report.hugePageError = outcome.hugePageError }
        if report.lockError == 0 { report.lockError = outcome.lockError }
        if outcome.isHugePage { report.hugePageByteCount += outcome.byteCount }
        if outcome.isLocked { report.lockedByteCount += outcome.byteCount }
    }

    /// Advances over finished steps in order; returns the bytes that became usable.
    fileprivate mutating func publish(arenaByteCount: Int) -> Int {
        let before = publishedStepCount
        while finishedSteps.remove(publishedStepCount) != nil { publishedStepCount += 1 }
        let end = min(publishedStepCount * Arena.stepByteCount, arenaByteCount)
        let start = min(before * Arena.stepByteCount, arenaByteCount)
        report.populatedByteCount += end - start
        return end - start
    }
}
