import Testing

@testable import RepriseConfiguration

/// Configurations from texts, on a machine of known size.
enum Resolving {
    static let machine = MachineFacts(memoryByteCount: 16 << 30, threadCount: 4, hostNames: ["node-7"])

    /// Resolves a file's text, variables and options.
    static func resolve(
        _ yaml: String = "",
        environment: [String: String] = [:],
        flags: ConfigurationFlags = ConfigurationFlags(),
        isOfEngine: Bool = false
    ) throws(ConfigurationError) -> ResolvedConfiguration {
        let variables = try ConfigurationEnvironment(environment)
        let file = try ConfigurationFile.layer(
            parsing: Array(yaml.utf8),
            path: "cache.yaml",
            isOfEngine: isOfEngine
        )
        return try Configuration.resolve(
            [try flags.layer(), variables.reprise, variables.lmcache, file],
            machine: machine
        )
    }

    /// The configuration alone.
    static func configuration(
        _ yaml: String = "",
        environment: [String: String] = [:],
        flags: ConfigurationFlags = ConfigurationFlags()
    ) throws(ConfigurationError) -> Configuration {
        try resolve(yaml, environment: environment, flags: flags).configuration
    }

    /// Expects an error of a code, and gives its message.
    static func failure(
        _ code: ConfigurationError.Code,
        _ yaml: String = "",
        environment: [String: String] = [:],
        flags: ConfigurationFlags = ConfigurationFlags(),
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> String {
        let error = #expect(throws: ConfigurationError.self, sourceLocation: sourceLocation) {
            try resolve(yaml, environment: environment, flags: flags)
        }
        #expect(error?.code == code, sourceLocation: sourceLocation)
        return error?.message ?? ""
    }

    /// Flags from pairs.
    static func flags(_ pairs: [String: String]) -> ConfigurationFlags {
        var flags = ConfigurationFlags()
        for (name, text) in pairs { flags.set(name, text) }
        return flags
    }
}
