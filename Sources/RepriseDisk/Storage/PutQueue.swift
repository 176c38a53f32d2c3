/// Values that wait to be written, first come, first written.
struct PutQueue {
    private var jobs: [PutJob] = []
    private var head = 0
    /// Bytes of memory that waiting and running jobs keep in use.
    var byteCount = 0
    /// Jobs that are being written.
    var runningCount = 0
    /// Bytes of memory that these keep in use.
    var runningByteCount = 0

    /// Popped jobs are let go of when they are more than this and more than those that wait.
    private static let poppedCountMax = 64

    /// Whether one more job may begin to be written.
    func mayStart(_ limits: DiskLimits) -> Bool {
        guard runningCount < limits.writeDepth else { return false }
        // The second is checksummed while the device writes the first.
        return runningCount < 2 || runningByteCount < limits.writingByteCountMax
    }

    mutating func append(_ job: PutJob) { jobs.append(job) }

    /// Puts a job back to the front.
    mutating func putBack(_ job: PutJob) {
        if head == 0 {
            jobs.insert(job, at: 0)
        } else {
            head -= 1
            jobs[head] = job
        }
    }

    /// The next job that was not cancelled.
    mutating func popFirst() -> PutJob? {
        while head < jobs.count {
            let job = jobs[head]
            head += 1
            if head > Self.poppedCountMax, head * 2 > jobs.count {
                jobs.removeFirst(head)
                head = 0
            }
            if !job.isCancelled { return job }
        }
        jobs.removeAll(keepingCapacity: true)
        head = 0
        return nil
    }
}
