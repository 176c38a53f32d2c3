internal import RepriseCore

extension SettingKind<EvictionPolicy> {
    /// What leaves first; LMCache's names are the same, in upper case.
    static let policy = SettingKind(show: { $0.rawValue }) { (text: String) throws(SettingProblem) in
        do throws(StorageError) {
            return try EvictionPolicy(name: text)
        } catch {
            let names = EvictionPolicy.allCases.map(\.rawValue).joined(separator: ", ")
            throw SettingProblem("\(Quoted(text)) is no eviction policy: use \(names) or none")
        }
    }
}

extension SettingKind<MemoryAmount> {
    /// A size, or a share of the memory.
    static let memory = SettingKind(show: { _ in "" }) { (text: String) throws(SettingProblem) in
        try MemoryAmount(parsing: text)
    }

    /// LMCache's number of GiB.
    static let memoryInGibibytes = SettingKind(show: { _ in "" }) { (text: String) throws(SettingProblem) in
        .bytes(try SettingKind<Int>.gibibytes(allowingZero: false).parse(.scalar(text)))
    }
}

extension SettingKind<HostAndPort> {
    /// `host:port`.
    static let address = SettingKind { (text: String) throws(SettingProblem) in
        try HostAndPort(parsing: text)
    }
}

extension SettingKind<DiskPlace> {
    /// `PATH:SIZE`.
    static let disk = SettingKind(show: { $0.text }) { (text: String) throws(SettingProblem) in
        try DiskPlace(parsing: text)
    }

    /// `file:///path/` or `/path`.
    static let localDisk = SettingKind(show: { $0.text }) { (text: String) throws(SettingProblem) in
        try DiskPlace(localDisk: text)
    }
}

extension SettingKind<[DiskPlace]> {
    /// The same list, in which no directory is named twice.
    var distinct: SettingKind {
        SettingKind(show: show) { (value: SettingValue) throws(SettingProblem) in
            let places = try parse(value)
            guard Set(places.map(\.path)).count == places.count else {
                throw SettingProblem("a directory is named twice")
            }
            return places
        }
    }
}

extension SettingKind<NamedURL> {
    /// A remote store.
    static let remoteURL = SettingKind(show: { $0.shownText }) { (text: String) throws(SettingProblem) in
        try NamedURL(parsing: text)
    }

    /// A lookup directory.
    static let lookupURL = SettingKind(show: { $0.shownText }) { (text: String) throws(SettingProblem) in
        try NamedURL(lookup: text)
    }
}

extension SettingKind<Configuration.Remote.Serde> {
    /// Reprise's serdes; LMCache's others are refused by name.
    static let serde = SettingKind(show: { $0.rawValue }) { (text: String) throws(SettingProblem) in
        if let serde = Configuration.Remote.Serde(rawValue: text.lowercased()) { return serde }
        switch text.lowercased() {
        case "cachegen", "kivi":
            throw SettingProblem(
                "\(Quoted(text)) needs LMCache's own GPU code, and its bytes are read by nobody else; "
                    + "use fp8 for smaller values, or naive",
                isRefusal: true
            )
        case "torch", "fast", "safetensor":
            throw SettingProblem(
                "\(Quoted(text)) belongs to LMCache's first versions (V0) and is not written; use naive",
                isRefusal: true
            )
        default: throw SettingProblem("\(Quoted(text)) is no serde; use naive or fp8")
        }
    }
}
