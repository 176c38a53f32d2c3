public import RepriseCore

/// Whether the backends of a storage manager do their work.
///
/// A backend that does not takes no other down: values are served from the rest, and stored there.
///
/// - Source: LMCache 0.5.6 `lmcache/v1/cache_engine.py` (`health`).
public struct StorageHealth: Hashable, Sendable {
    /// One backend's health.
    public struct Tier: Hashable, Sendable {
        /// The backend's name.
        public let name: String
        /// Whether it does its work, and if not, why.
        public let health: BackendHealth
    }

    /// The backends, fastest first.
    public let tiers: [Tier]

    /// Whether nothing is wrong with any of them.
    public var isHealthy: Bool { tiers.allSatisfy(\.health.isHealthy) }

    /// LMCache's number: 0 when nothing is wrong, else -1.
    public var code: Int { isHealthy ? 0 : -1 }
}

extension StorageManager {
    /// Whether the backends do their work; asks them, and nothing that is elsewhere.
    public var health: StorageHealth {
        StorageHealth(tiers: tiers.map { StorageHealth.Tier(name: $0.name, health: $0.backend.health) })
    }
}
