extension Configuration {
    /// Makes the configuration from all places that may speak: options before variables of Reprise, these
    /// before variables of LMCache, these before a file, and all before the defaults.
    ///
    /// - Parameters:
    ///   - flags: What the command line says.
    ///   - environment: The environment's variables. `REPRISE_CONFIG`, else `LMCACHE_CONFIG_FILE`, names the
    ///     file when `file` is `nil`.
    ///   - file: The path of a YAML file.
    ///   - machine: What defaults depend on.
    /// - Throws: ``ConfigurationError``.
    public static func resolve(
        flags: ConfigurationFlags = ConfigurationFlags(),
        environment: [String: String] = [:],
        file: String? = nil,
        machine: MachineFacts
    ) throws(ConfigurationError) -> ResolvedConfiguration {
        let variables = try ConfigurationEnvironment(environment)
        var layers = [try flags.layer(), variables.reprise, variables.lmcache]
        if let source = file.map({ (path: $0, isOfEngine: false) }) ?? variables.file {
            layers.append(try ConfigurationFile.layer(of: source.path, isOfEngine: source.isOfEngine))
        }
        return try resolve(layers, machine: machine)
    }

    /// Makes the configuration from layers, the first of which wins.
    internal static func resolve(
        _ layers: [ConfigurationLayer],
        machine: MachineFacts
    ) throws(ConfigurationError) -> ResolvedConfiguration {
        var resolver = ConfigurationResolver(layers: layers, machine: machine)
        return try resolver.resolve()
    }
}
