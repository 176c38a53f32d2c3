/// A YAML file of settings.
internal enum ConfigurationFile {
    /// Reads a file.
    static func layer(of path: String, isOfEngine: Bool) throws(ConfigurationError) -> ConfigurationLayer {
        let bytes = try FileText.bytes(of: path, limit: ConfigurationLimits.fileByteCountMax)
        return try layer(parsing: bytes, path: path, isOfEngine: isOfEngine)
    }

    /// Reads a file's bytes.
    static func layer(
        parsing bytes: [UInt8],
        path: String,
        isOfEngine: Bool = false
    ) throws(ConfigurationError) -> ConfigurationLayer {
        guard bytes.count <= ConfigurationLimits.fileByteCountMax else {
            let limit = ConfigurationLimits.fileByteCountMax
            throw ConfigurationError(.tooLarge, "\(path): more than \(limit) bytes")
        }
        let document = YAMLDocument(path: path)
        var layer = ConfigurationLayer(isOfEngine: isOfEngine)
        for pair in try document.pairs(parsing: bytes) {
            guard let value = pair.value else { continue }
            let origin = ConfigurationOrigin.file(path: path, line: pair.line)
            let entry = SettingEntry(
                name: pair.name,
                value: value,
                origin: origin,
                itemLines: pair.itemLines
            )
            try layer.add(entry, try meaning(of: pair.name, at: origin))
        }
        return layer
    }

    /// Reads a mapping that a variable holds.
    static func mapping(parsing text: String, of variable: String) throws(ConfigurationError) -> SettingValue
    {
        let pairs = try YAMLDocument(path: variable).pairs(parsing: Array(text.utf8))
        return .mapping(
            pairs.map { pair in
                guard case .scalar(let text) = pair.value else {
                    return SettingValue.Member(name: pair.name, text: pair.value == nil ? "" : nil, line: 0)
                }
                return SettingValue.Member(name: pair.name, text: text, line: 0)
            }
        )
    }

    private static func meaning(
        of name: String,
        at origin: ConfigurationOrigin
    ) throws(ConfigurationError) -> ConfigurationLayer.Meaning {
        if let meaning = KnownNames.file[name] { return meaning }
        // LMCache 0.5's settings of its encoder cache are those of the key-value cache behind a prefix.
        if name.hasPrefix("ec_"), KnownNames.file[String(name.dropFirst(3))] != nil {
            return .foreign(
                ForeignKey(name: name, kind: .any, verdict: .ignored("the inference engine's own concern"))
            )
        }
        if let why = ForeignKey.refusal(ofName: name) {
            throw ConfigurationError(.refused, at: origin, name: name, why)
        }
        let advice = NearestName.find(name, among: KnownNames.file.keys).map { "; did you mean \($0)?" } ?? ""
        throw ConfigurationError(.unknownSetting, "\(origin): there is no setting \(Quoted(name))\(advice)")
    }
}
