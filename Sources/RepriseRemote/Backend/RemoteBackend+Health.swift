public import RepriseCore

extension RemoteBackend {
    /// Whether the store answers; asks nobody: it is what came of the last calls.
    public var health: BackendHealth {
        let statistics = statistics
        guard statistics.isOut else { return .healthy }
        let error = statistics.lastError.map { ": \($0)" } ?? ""
        return .unhealthy("the store does not answer, and is asked again now and then\(error)")
    }
}
