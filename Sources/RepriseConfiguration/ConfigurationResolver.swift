/// Applies layers to the defaults.
internal struct ConfigurationResolver {
    private let layers: [ConfigurationLayer]
    private let machine: MachineFacts
    private var configuration: Configuration
    /// What decides a setting, by its name.
    private var chosen: [String: SettingEntry] = [:]
    private var notices: [String] = []

    /// Creates a resolver; the first layer that has a setting decides it.
    init(layers: [ConfigurationLayer], machine: MachineFacts) {
        self.layers = layers
        self.machine = machine
        configuration = Configuration(machine: machine)
    }

    /// The configuration, and where it comes from.
    mutating func resolve() throws(ConfigurationError) -> ResolvedConfiguration {
        // The remote store comes last: whether it is this node itself depends on the others.
        for setting in Setting.all where setting.name != Self.remoteURL { try apply(setting) }
        try applyRemoteURL()
        let foreign = try foreignRows()
        try completeDisks()
        try checkContradictions()
        return ResolvedConfiguration(
            configuration: configuration,
            rows: Setting.all.map(row) + foreign,
            notices: notices
        )
    }

    private static let remoteURL = "remote_url"

    private mutating func apply(_ setting: Setting) throws(ConfigurationError) {
        for item in layers.compactMap({ $0.items[setting.name] }) {
            guard case .setting(_, let spelling) = item.meaning else { continue }
            if chosen[setting.name] == nil {
                try apply(item.entry, spelling, to: &configuration)
                chosen[setting.name] = item.entry
            } else {
                try checkOverridden(item.entry, spelling)
            }
        }
    }

    private func apply(
        _ entry: SettingEntry,
        _ spelling: Spelling,
        to configuration: inout Configuration
    ) throws(ConfigurationError) {
        do throws(SettingProblem) {
            try spelling.apply(entry.value, &configuration)
        } catch {
            throw error.error(in: entry)
        }
    }

    /// A slip is an error also where another place decides; what is not spoken is not.
    private func checkOverridden(_ entry: SettingEntry, _ spelling: Spelling) throws(ConfigurationError) {
        var scratch = configuration
        do throws(SettingProblem) {
            try spelling.apply(entry.value, &scratch)
        } catch {
            if !error.isRefusal { throw error.error(in: entry) }
        }
    }

    /// Engines on the same machine are told the node's own address, by variables that the node sees, too.
    private mutating func applyRemoteURL() throws(ConfigurationError) {
        let own = OwnAddress(configuration, machine: machine)
        for layer in layers {
            guard let item = layer.items[Self.remoteURL], case .setting(_, let spelling) = item.meaning else {
                continue
            }
            guard chosen[Self.remoteURL] == nil else {
                try checkOverridden(item.entry, spelling)
                continue
            }
            var scratch = configuration
            try apply(item.entry, spelling, to: &scratch)
            guard let url = scratch.remoteURL?.url, own.isNamed(by: url) else {
                configuration = scratch
                chosen[Self.remoteURL] = item.entry
                continue
            }
            let origin = item.entry.origin
            guard layer.isOfEngine else {
                throw ConfigurationError(
                    .conflict,
                    at: origin,
                    name: item.entry.name,
                    "this is the node itself; leave it out, or name the store behind the node"
                )
            }
            notices.append("\(origin): remote_url names this node itself, as engines need it: ignored")
        }
    }

    private mutating func foreignRows() throws(ConfigurationError) -> [ResolvedConfiguration.Row] {
        var rows: [String: ResolvedConfiguration.Row] = [:]
        for layer in layers {
            for (name, item) in layer.items.sorted(by: { $0.key < $1.key }) where rows[name] == nil {
                guard case .foreign(let key) = item.meaning else { continue }
                rows[name] = try Self.row(key, item.entry)
            }
        }
        return rows.values.sorted { $0.name < $1.name }
    }

    private static func row(
        _ key: ForeignKey,
        _ entry: SettingEntry
    ) throws(ConfigurationError) -> ResolvedConfiguration.Row {
        do throws(SettingProblem) {
            let why = try key.check(entry.value)
            return ResolvedConfiguration.Row(
                name: key.name,
                value: key.shownText(of: entry.value),
                origin: entry.origin,
                note: "no effect: \(why)"
            )
        } catch {
            throw error.error(in: entry)
        }
    }

    private func row(_ setting: Setting) -> ResolvedConfiguration.Row {
        let entry = chosen[setting.name]
        var notes: [String] = []
        if let entry, case .file = entry.origin, entry.name != setting.name {
            notes.append("as \(entry.name)")
        }
        if setting.group == .engine { notes.append("the inference engine's own concern") }
        if setting.name == "memory", case .percent(let share) = configuration.memory.amount {
            notes.append("\(share.formatted)% of what there is")
        }
        return ResolvedConfiguration.Row(
            name: setting.name,
            value: setting.show(configuration),
            origin: entry?.origin ?? .default,
            note: notes.isEmpty ? nil : notes.joined(separator: "; ")
        )
    }
}

extension ConfigurationResolver {
    /// Gives LMCache's disks the size that LMCache keeps apart from them.
    private mutating func completeDisks() throws(ConfigurationError) {
        guard configuration.diskPlaces.contains(where: { $0.byteCount == nil }), let entry = chosen["disks"]
        else { return }
        guard let byteCount = configuration.localDiskByteCount else {
            throw ConfigurationError(
                .conflict,
                at: entry.origin,
                name: entry.name,
                "it needs max_local_disk_size, in GiB; without it LMCache 0.5 keeps nothing on disk"
            )
        }
        if byteCount == 0 {
            configuration.diskPlaces = []
            notices.append("\(entry.origin): no disk is used, since max_local_disk_size is 0")
        }
        for index in configuration.diskPlaces.indices {
            configuration.diskPlaces[index].byteCount = byteCount
        }
    }

    private func checkContradictions() throws(ConfigurationError) {
        if !configuration.server.servesTCP, configuration.server.unixPath == nil {
            throw conflict("tcp", "without TCP there must be a Unix socket: give unix (--unix PATH), too")
        }
        let isComplete = configuration.lookupURL != nil && configuration.advertisedAddress != nil
        if configuration.enablesPeers == true, !isComplete {
            throw conflict("enable_p2p", "it needs lookup_url and advertise (distributed_url)")
        }
        if configuration.lookupURL == nil, configuration.advertisedAddress != nil,
            configuration.enablesPeers != false
        {
            throw conflict("advertise", "it is written to a lookup directory: give lookup_url, too")
        }
    }

    private func conflict(_ name: String, _ reason: String) -> ConfigurationError {
        let entry = chosen[name]
        return ConfigurationError(
            .conflict,
            at: entry?.origin ?? .default,
            name: entry?.name ?? name,
            reason
        )
    }
}

extension Double {
    /// Without a fraction where there is none.
    fileprivate var formatted: String { self == rounded() ? "\(Int(self))" : "\(self)" }
}
