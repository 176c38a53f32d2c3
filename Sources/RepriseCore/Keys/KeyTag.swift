/// A name and a value that a request added to its keys, so that its chunks are kept apart.
///
/// LMCache takes them from the request settings that begin with `lmcache.tag.`; `name` is what follows.
public struct KeyTag: Sendable {
    /// The part before the `%`.
    public let name: String
    /// The part after the `%`.
    public let value: String

    /// Creates a tag.
    ///
    /// - Throws: ``KeyError`` `invalidTag` if the name holds `@` or `%`, or the value holds `@`: the text
    ///   could not be read back.
    public init(name: String, value: String) throws(KeyError) {
        guard !name.utf8.contains(where: { $0 == KeyText.at || $0 == KeyText.percent }),
            !value.utf8.contains(KeyText.at)
        else {
            throw KeyError(.invalidTag, "tag '\(name)': a name holds no '@' or '%', a value no '@'")
        }
        self.name = name
        self.value = value
    }

    internal init(parsing text: ArraySlice<UInt8>) throws(KeyError) {
        guard let separator = text.firstIndex(of: KeyText.percent) else {
            throw KeyError(.invalidTag, "a tag is written name%value")
        }
        let name = try KeyText.string(text[..<separator])
        try self.init(name: name, value: KeyText.string(text[(separator + 1)...]))
    }
}

extension KeyTag: Hashable {
    /// Whether two tags have the same bytes; texts that only look the same differ.
    public static func == (left: KeyTag, right: KeyTag) -> Bool {
        left.name.utf8.elementsEqual(right.name.utf8) && left.value.utf8.elementsEqual(right.value.utf8)
    }

    /// Feeds name and value to the hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(value)
    }
}
