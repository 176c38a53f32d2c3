internal import RepriseCore
internal import RepriseNode

/// The settings that CONFIG shows and changes.
struct RESPSettings {
    /// What a wish to change a setting came to.
    enum Change {
        case change(() -> Void)
        case unknown
        case refused(String)
    }

    let group: ReactorGroup

    /// All settings, by Redis's names where it has them, as Redis spells their values.
    var all: [(name: String, value: String)] {
        let identity = group.identity
        return [
            ("appendonly", "no"), ("bind", identity.host ?? ""),
            ("cluster-enabled", identity.cluster == nil ? "no" : "yes"), ("databases", "1"),
            ("io-threads", "\(identity.threadCount)"), ("max-value", "\(group.settings.valueByteCountMax)"),
            ("maxclients", "\(group.settings.connectionCountMax)"),
            ("maxmemory", "\(group.backend.capacityByteCount)"),
            ("maxmemory-policy", RESPInfo.policy(group.backend.evictionPolicy)),
            ("minimum-transfer-rate", "\(group.settings.minimumTransferRate)"),
            ("port", "\(identity.port ?? 0)"),
            ("proto-max-bulk-len", "\(group.settings.valueByteCountMax)"), ("save", ""),
            ("timeout", "0"), ("unixsocket", identity.unixPath ?? ""),
        ]
    }

    /// Reads the value that a setting is to have.
    func change(_ name: String, to text: String) -> Change {
        let settings = group.settings
        switch name {
        case "maxclients":
            guard let count = Int(text), count > 0 else {
                return .refused("argument must be a number of connections above 0")
            }
            guard count <= group.limits.connectionCountMax else {
                return .refused("the node was started for \(group.limits.connectionCountMax) connections")
            }
            return .change { settings.connectionCountMax = count }
        case "max-value", "proto-max-bulk-len":
            guard let count = Self.byteCount(text), count > 0 else { return .refused(Self.notSize) }
            return .change { settings.valueByteCountMax = count }
        case "minimum-transfer-rate":
            guard let count = Self.byteCount(text) else { return .refused(Self.notSize) }
            return .change { settings.minimumTransferRate = count }
        default:
            return all.contains { $0.name == name } ? .refused("can't set immutable config") : .unknown
        }
    }

    private static let notSize = "argument must be a memory value"

    /// Reads a size in Redis's spelling: bytes, `1k` of 1000, `1kb` of 1024, and so on.
    static func byteCount(_ text: String) -> Int? {
        let digits = text.prefix { ("0"..."9").contains($0) }
        let units = [
            "": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 1_000_000, "mb": 1 << 20, "g": 1_000_000_000,
            "gb": 1 << 30,
        ]
        guard let count = Int(digits), let unit = units[text.dropFirst(digits.count).lowercased()] else {
            return nil
        }
        let (product, overflows) = count.multipliedReportingOverflow(by: unit)
        return overflows ? nil : product
    }
}
