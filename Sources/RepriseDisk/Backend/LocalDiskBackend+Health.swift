public import RepriseCore

extension LocalDiskBackend {
    /// Whether every disk serves; the others serve on when one does not.
    public var health: BackendHealth {
        // Let go of when the backend is closed.
        if memory.withLock({ $0 == nil }) { return .unhealthy("the backend is closed") }
        let reasons = disks.compactMap { disk in disk.outDescription.map { "\(disk.name): \($0)" } }
        return reasons.isEmpty ? .healthy : .unhealthy(reasons.joined(separator: "; "))
    }
}
