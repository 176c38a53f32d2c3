internal import Yams

/// Reads one YAML document, a mapping, within the limits of a configuration.
internal struct YAMLDocument {
    /// What messages call it.
    let path: String

    /// A pair of the mapping.
    struct Pair {
        let name: String
        /// `nil` where nothing is written, or `null`.
        let value: SettingValue?
        let line: Int
        var itemLines: [Int] = []
    }

    /// The pairs of the document, in order; none if it is empty.
    func pairs(parsing bytes: [UInt8]) throws(ConfigurationError) -> [Pair] {
        let text = try text(of: bytes)
        try checkAliases(bytes)
        guard let root = try compose(text) else { return [] }
        var remaining = ConfigurationLimits.nodeCountMax
        try checkSize(root, depth: 0, remaining: &remaining)
        if isNull(root) { return [] }
        guard case .mapping(let mapping) = root else {
            throw failure(.malformedFile, root, "write one setting a line, as in 'memory: 4GiB'")
        }
        var pairs: [Pair] = []
        for (key, value) in mapping { pairs.append(try pair(key, value)) }
        return pairs
    }

    private func text(of bytes: [UInt8]) throws(ConfigurationError) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let index = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
        throw ConfigurationError(.malformedFile, "\(path):\(index + 1): a byte that is not UTF-8")
    }

    /// Counts what may be an alias, before Yams expands any: a few cannot grow into much.
    private func checkAliases(_ bytes: [UInt8]) throws(ConfigurationError) {
        var count = 0
        var line = 1
        var previous = UInt8(ascii: "\n")
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\n") { line += 1 }
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            if byte == UInt8(ascii: "*"), !isWord(previous), isWord(next) { count += 1 }
            guard count <= ConfigurationLimits.aliasCountMax else {
                throw ConfigurationError(
                    .tooLarge,
                    "\(path):\(line): more than \(ConfigurationLimits.aliasCountMax) aliases (*name)"
                )
            }
            previous = byte
        }
    }

    private func isWord(_ byte: UInt8) -> Bool {
        let character = Character(Unicode.Scalar(byte))
        return byte >= 0x80 || character.isLetter || character.isNumber || character == "_"
            || character == "-"
    }

    private func compose(_ text: String) throws(ConfigurationError) -> Node? {
        do {
            return try Yams.compose(yaml: text, .default, .default, .utf8)
        } catch {
            throw failure(error, in: text)
        }
    }

    /// Walks through everything once; what stands behind an alias counts each time.
    private func checkSize(_ node: Node, depth: Int, remaining: inout Int) throws(ConfigurationError) {
        remaining -= 1
        guard remaining > 0 else {
            let limit = ConfigurationLimits.nodeCountMax
            throw failure(.tooLarge, node, "more than \(limit) values")
        }
        guard depth <= ConfigurationLimits.nestingDepthMax else {
            throw failure(.tooLarge, node, "nested deeper than \(ConfigurationLimits.nestingDepthMax)")
        }
        switch node {
        case .mapping(let mapping):
            guard mapping.count <= ConfigurationLimits.keyCountMax else {
                throw failure(.tooLarge, node, "more than \(ConfigurationLimits.keyCountMax) keys")
            }
            for (key, value) in mapping {
                try checkSize(key, depth: depth + 1, remaining: &remaining)
                try checkSize(value, depth: depth + 1, remaining: &remaining)
            }
        case .sequence(let sequence):
            for item in sequence { try checkSize(item, depth: depth + 1, remaining: &remaining) }
        case .scalar, .alias: break
        }
    }

    private func pair(_ key: Node, _ value: Node) throws(ConfigurationError) -> Pair {
        let name = try self.name(key)
        let line = line(of: key)
        switch value {
        case .scalar(let scalar):
            return Pair(name: name, value: isNull(value) ? nil : .scalar(scalar.string), line: line)
        case .sequence(let sequence):
            guard sequence.count <= ConfigurationLimits.itemCountMax else {
                throw failure(.tooLarge, value, "more than \(ConfigurationLimits.itemCountMax) items")
            }
            var items: [String] = []
            for item in sequence {
                guard case .scalar(let scalar) = item else {
                    throw failure(.invalidValue, item, "\(name): write plain values in the list")
                }
                items.append(scalar.string)
            }
            return Pair(name: name, value: .list(items), line: line, itemLines: sequence.map(self.line))
        case .mapping(let mapping):
            var members: [SettingValue.Member] = []
            for (key, value) in mapping { members.append(try member(key, value)) }
            return Pair(name: name, value: .mapping(members), line: line, itemLines: members.map(\.line))
        case .alias: throw failure(.malformedFile, value, "\(name): an alias that stands for nothing")
        }
    }

    private func member(_ key: Node, _ value: Node) throws(ConfigurationError) -> SettingValue.Member {
        let text = isNull(value) ? "" : value.scalar?.string
        return SettingValue.Member(name: try name(key), text: text, line: line(of: key))
    }

    private func name(_ key: Node) throws(ConfigurationError) -> String {
        guard case .scalar(let scalar) = key else {
            throw failure(.malformedFile, key, "a setting's name is a word")
        }
        guard scalar.string.utf8.count <= ConfigurationLimits.keyByteCountMax else {
            throw failure(.tooLarge, key, "a name has at most \(ConfigurationLimits.keyByteCountMax) bytes")
        }
        return scalar.string
    }

    /// Whether nothing is written, or `null` without quotes.
    private func isNull(_ node: Node) -> Bool {
        guard case .scalar(let scalar) = node, [.plain, .any].contains(scalar.style) else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    private func line(of node: Node) -> Int { node.mark?.line ?? 1 }

    private func failure(_ code: ConfigurationError.Code, _ node: Node, _ reason: String)
        -> ConfigurationError
    {
        ConfigurationError(code, "\(path):\(line(of: node)): \(reason)")
    }
}
