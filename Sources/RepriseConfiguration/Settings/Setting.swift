/// A setting: its names, how they are read, and how its value is shown.
public struct Setting: Sendable {
    /// What a setting is about.
    public enum Group: String, Sendable, CaseIterable {
        /// Where to listen.
        case listening
        /// Who may use the node.
        case access
        /// Memory for values.
        case memory
        /// Disks for values.
        case disks
        /// The remote store.
        case remote
        /// Other nodes.
        case peers
        /// Limits of the server.
        case limits
        /// The log.
        case log
        /// The inference engine's side.
        case engine
    }

    /// The name, as in a file.
    public let name: String
    /// What it is about.
    public let group: Group
    /// What it does, in a line.
    public let help: String
    /// All names, Reprise's first.
    internal let spellings: [Spelling]
    /// The value in effect, as text.
    internal let show: @Sendable (Configuration) -> String

    /// The variable that sets it.
    public var variable: String { "REPRISE_\(name.uppercased())" }
    /// The names by which LMCache's files set it.
    public var lmcacheNames: [String] { spellings.filter(\.isLMCache).map(\.name) }

    /// A setting that is kept at `path`.
    internal init<Value: Sendable>(
        _ name: String,
        _ group: Group,
        _ path: any WritableKeyPath<Configuration, Value> & Sendable,
        _ kind: SettingKind<Value>,
        _ help: String,
        isLMCache: Bool = false,
        others: [Spelling] = []
    ) {
        self.name = name
        self.group = group
        self.help = help
        spellings = [Spelling(name, path, kind, isLMCache: isLMCache)] + others
        show = { kind.show($0[keyPath: path]) }
    }

    internal init(_ setting: Setting, showing show: @escaping @Sendable (Configuration) -> String) {
        name = setting.name
        group = setting.group
        help = setting.help
        spellings = setting.spellings
        self.show = show
    }
}

/// One of a setting's names, and how its values are read under that name.
internal struct Spelling: Sendable {
    let name: String
    /// Whether LMCache knows the name, so that `LMCACHE_` before it makes a variable.
    let isLMCache: Bool
    let apply: @Sendable (SettingValue, inout Configuration) throws(SettingProblem) -> Void

    init<Value: Sendable>(
        _ name: String,
        _ path: any WritableKeyPath<Configuration, Value> & Sendable,
        _ kind: SettingKind<Value>,
        isLMCache: Bool = true
    ) {
        self.name = name
        self.isLMCache = isLMCache
        apply = { (value: SettingValue, configuration: inout Configuration) throws(SettingProblem) in
            configuration[keyPath: path] = try kind.parse(value)
        }
    }

    /// The variable of LMCache.
    var lmcacheVariable: String { "LMCACHE_\(name.uppercased())" }
}
