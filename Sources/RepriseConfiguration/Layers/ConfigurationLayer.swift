/// What one place says: the options, the variables of Reprise, those of LMCache, or a file.
internal struct ConfigurationLayer: Sendable {
    /// What a name means.
    enum Meaning: Sendable {
        case setting(Setting, Spelling)
        case foreign(ForeignKey)
    }

    /// An entry and what its name means.
    struct Item: Sendable {
        let entry: SettingEntry
        let meaning: Meaning

        /// What entries of one setting share, whatever they call it.
        var key: String {
            switch meaning {
            case .setting(let setting, _): setting.name
            case .foreign(let key): key.name
            }
        }
    }

    private(set) var items: [String: Item] = [:]
    /// Whether it speaks to an engine first, which names this node as its store.
    let isOfEngine: Bool

    init(isOfEngine: Bool = false) {
        self.isOfEngine = isOfEngine
    }

    /// Adds an entry.
    ///
    /// - Throws: `duplicateSetting` if its setting is there, also under another name.
    mutating func add(_ entry: SettingEntry, _ meaning: Meaning) throws(ConfigurationError) {
        let item = Item(entry: entry, meaning: meaning)
        if let earlier = items[item.key] {
            let other = earlier.entry
            let isSame = other.name == entry.name
            throw ConfigurationError(
                .duplicateSetting,
                at: entry.origin,
                name: entry.name,
                isSame
                    ? "given twice, first at \(other.origin)"
                    : "the same as \(other.name) at \(other.origin); give one of them"
            )
        }
        items[item.key] = item
    }

    /// What a name means in a file; `nil` for an unknown one.
    static func meaning(ofFileName name: String) -> Meaning? { KnownNames.file[name] }
}

/// Everything that has a name.
internal enum KnownNames {
    static let foreign = ForeignKey.refused + ForeignKey.ignored

    /// By their names in a file.
    static let file: [String: ConfigurationLayer.Meaning] = {
        var names: [String: ConfigurationLayer.Meaning] = [:]
        for setting in Setting.all {
            for spelling in setting.spellings { names[spelling.name] = .setting(setting, spelling) }
        }
        for key in foreign {
            precondition(names[key.name] == nil, "\(key.name) is in two tables")
            names[key.name] = .foreign(key)
        }
        return names
    }()

    /// By their variables of Reprise.
    static let repriseVariables: [String: ConfigurationLayer.Meaning] = {
        var names: [String: ConfigurationLayer.Meaning] = [:]
        for setting in Setting.all { names[setting.variable] = .setting(setting, setting.spellings[0]) }
        return names
    }()

    /// By their variables of LMCache.
    static let lmcacheVariables: [String: ConfigurationLayer.Meaning] = {
        var names: [String: ConfigurationLayer.Meaning] = [:]
        for setting in Setting.all {
            for spelling in setting.spellings where spelling.isLMCache {
                names[spelling.lmcacheVariable] = .setting(setting, spelling)
            }
        }
        for key in foreign { names[key.lmcacheVariable] = .foreign(key) }
        return names
    }()
}
