/// The environment's variables that configure a node.
internal struct ConfigurationEnvironment: Sendable {
    /// The variables called `REPRISE_…`.
    let reprise: ConfigurationLayer
    /// The variables called `LMCACHE_…`, which may speak to an engine on the same machine.
    let lmcache: ConfigurationLayer
    /// The file that a variable names.
    let file: (path: String, isOfEngine: Bool)?

    /// The variable that names a file.
    static let fileVariable = "REPRISE_CONFIG"
    /// LMCache's variable that names a file.
    static let lmcacheFileVariable = "LMCACHE_CONFIG_FILE"
    /// Variables of Reprise that are no settings: the password, libraries' paths, the socket that clients
    /// look for, and those of its tests.
    static let otherVariables: Set<String> = [
        fileVariable, "REPRISE_PASSWORD", "REPRISE_CUDART", "REPRISE_BIN", "REPRISE_MODEL_STEPS",
        "REPRISE_NO_SKIPS", "REPRISE_STAND_IN", "REPRISE_TRACES", "REPRISE_SOCKET", "REPRISE_LIBRARY",
        "REPRISE_VLLM_UNCHECKED", "REPRISE_PROGRAM",
    ]

    /// Reads the variables; an empty one is as good as none.
    init(_ variables: [String: String]) throws(ConfigurationError) {
        var reprise = ConfigurationLayer()
        var lmcache = ConfigurationLayer(isOfEngine: true)
        for (name, text) in variables.sorted(by: { $0.key < $1.key }) where !text.isEmpty {
            if let meaning = try Self.meaning(of: name, text) {
                try reprise.add(try Self.entry(name, text, meaning), meaning)
            } else if let meaning = KnownNames.lmcacheVariables[name] {
                try lmcache.add(try Self.entry(name, text, meaning), meaning)
            }
        }
        (self.reprise, self.lmcache) = (reprise, lmcache)
        file = Self.file(variables)
    }

    private static func file(_ variables: [String: String]) -> (path: String, isOfEngine: Bool)? {
        if let path = variables[fileVariable], !path.isEmpty { return (path, false) }
        if let path = variables[lmcacheFileVariable], !path.isEmpty { return (path, true) }
        return nil
    }

    /// What a variable of Reprise means; `nil` for others.
    private static func meaning(
        of name: String,
        _ text: String
    ) throws(ConfigurationError) -> ConfigurationLayer.Meaning? {
        guard name.hasPrefix("REPRISE_"), !otherVariables.contains(name), !isServiceLink(name, text) else {
            return nil
        }
        if let meaning = KnownNames.repriseVariables[name] { return meaning }
        let known = Array(KnownNames.repriseVariables.keys) + [fileVariable, "REPRISE_PASSWORD"]
        let advice = NearestName.find(name, among: known).map { "; did you mean \($0)?" } ?? ""
        throw ConfigurationError(.unknownSetting, "\(name): there is no such variable of Reprise\(advice)")
    }

    /// Whether Kubernetes has put the variable there, for a service whose name begins with `reprise`.
    ///
    /// - Source: Kubernetes, Service § Environment variables: `NAME_SERVICE_HOST`, `NAME_PORT_80_TCP_ADDR`.
    private static func isServiceLink(_ name: String, _ text: String) -> Bool {
        name.contains("_SERVICE_HOST") || name.contains("_SERVICE_PORT") || name.contains("_PORT_")
            || name.hasSuffix("_PORT") && (text.hasPrefix("tcp://") || text.hasPrefix("udp://"))
    }

    private static func entry(
        _ name: String,
        _ text: String,
        _ meaning: ConfigurationLayer.Meaning
    ) throws(ConfigurationError) -> SettingEntry {
        let origin = ConfigurationOrigin.environment(variable: name)
        guard text.utf8.count <= ConfigurationLimits.textByteCountMax else {
            let limit = ConfigurationLimits.textByteCountMax
            throw ConfigurationError(.tooLarge, at: origin, name: name, "more than \(limit) bytes")
        }
        let bare = unquoted(text)
        if case .foreign(let key) = meaning, key.kind == .mapping {
            // LMCache reads JSON here, which is YAML, too.
            let value = try ConfigurationFile.mapping(parsing: bare, of: name)
            return SettingEntry(name: name, value: value, origin: origin)
        }
        return SettingEntry(name: name, value: .scalar(bare), origin: origin)
    }

    /// The text without blanks around it, and without the quotes around that.
    ///
    /// - Source: LMCache 0.5.6 `lmcache/v1/config_base.py`, `_parse_quoted_string`.
    static func unquoted(_ text: String) -> String {
        let bare = String.trimmed(text)
        guard bare.utf8.count >= 2, let first = bare.first, first == bare.last, first == "'" || first == "\""
        else { return bare }
        return String(bare.dropFirst().dropLast())
    }
}
