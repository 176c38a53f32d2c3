internal import RepriseRemote

/// A remote store's URL, and the same as text without its password.
internal struct NamedURL: Hashable, Sendable {
    let url: RemoteURL
    let shownText: String

    /// Reads a URL.
    init(parsing text: String) throws(SettingProblem) {
        do throws(RemoteError) {
            url = try RemoteURL(parsing: text)
        } catch {
            throw SettingProblem(error.message, isRefusal: Self.isForeign(text))
        }
        shownText = Self.withoutPassword(text)
    }

    /// Reads the place of a lookup directory: `host:port` as in LMCache, or a URL of a Redis or Valkey.
    init(lookup text: String) throws(SettingProblem) {
        try self.init(parsing: text.contains("://") ? text : "redis://\(text)")
        guard case .resp = url.store else {
            let scheme = text.split(separator: ":", maxSplits: 1).first ?? ""
            throw SettingProblem(
                "'\(scheme)://…' holds no directory; write host:port, or redis://host:port"
            )
        }
    }

    /// The text with `***` in the place of a password.
    static func withoutPassword(_ text: String) -> String {
        guard let at = text.lastIndex(of: "@"),
            let scheme = text[..<at].ranges(of: "://").last,
            let colon = text[scheme.upperBound..<at].firstIndex(of: ":")
        else { return text }
        return "\(text[...colon])***\(text[at...])"
    }

    /// Whether the store belongs to a system that is not spoken, so that the text is no slip.
    private static func isForeign(_ text: String) -> Bool {
        ["infinistore://", "mooncakestore://", "nixl://", "eic://", "sagemaker-hyperpod://"]
            .contains(where: text.hasPrefix)
    }
}
