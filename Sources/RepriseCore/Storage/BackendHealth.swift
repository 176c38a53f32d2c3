/// Whether a backend does its work, and if not, why.
public struct BackendHealth: Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, and what is being done about it; `nil` when nothing is.
    public let reason: String?

    /// Whether nothing is wrong.
    public var isHealthy: Bool { reason == nil }

    /// Nothing is wrong.
    public static let healthy = BackendHealth(reason: nil)

    /// Something is wrong.
    public static func unhealthy(_ reason: String) -> BackendHealth { BackendHealth(reason: reason) }

    /// The reason, or that there is none.
    public var description: String { reason ?? "healthy" }

    private init(reason: String?) { self.reason = reason }
}
