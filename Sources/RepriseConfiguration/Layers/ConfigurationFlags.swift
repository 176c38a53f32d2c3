/// What the command line says, option by option; what was not given is left out.
public struct ConfigurationFlags: Sendable {
    internal private(set) var entries: [SettingEntry] = []

    /// Creates flags that say nothing.
    public init() {}

    /// Adds the value of an option, unless it was not given.
    ///
    /// - Parameters:
    ///   - name: The setting's name; another one traps.
    ///   - flag: The option, with its dashes; by default it is called like the setting.
    public mutating func set(_ name: String, _ text: String?, flag: String? = nil) {
        if let text { add(name, .scalar(text), flag) }
    }

    /// Adds an option that is a yes or a no.
    public mutating func set(_ name: String, _ isOn: Bool?, flag: String? = nil) {
        if let isOn { add(name, .scalar(isOn ? "true" : "false"), flag) }
    }

    /// Adds an option that may be repeated, unless it was not given at all.
    public mutating func set(_ name: String, _ texts: [String], flag: String? = nil) {
        if !texts.isEmpty { add(name, .list(texts), flag) }
    }

    private mutating func add(_ name: String, _ value: SettingValue, _ flag: String?) {
        let words = name.split(separator: "_").joined(separator: "-")
        entries.append(
            SettingEntry(name: name, value: value, origin: .flag(name: flag ?? "--\(words)"))
        )
    }

    internal func layer() throws(ConfigurationError) -> ConfigurationLayer {
        var layer = ConfigurationLayer()
        for entry in entries {
            guard let meaning = KnownNames.file[entry.name] else {
                preconditionFailure("there is no setting \(entry.name)")
            }
            try layer.add(entry, meaning)
        }
        return layer
    }
}
