/// A key of LMCache that is no setting of Reprise.
internal struct ForeignKey: Sendable {
    /// What may stand there.
    enum Kind: Sendable {
        case truth, count, number, text, list, mapping
        /// Whatever it is.
        case any
    }

    /// What becomes of it.
    enum Verdict: Sendable {
        /// It has no effect, and why.
        case ignored(String)
        /// It asks for something that is not there, unless it is off; why, and what to write instead.
        case refused(String)
    }

    let name: String
    let kind: Kind
    let verdict: Verdict
    /// A text that asks for nothing.
    var harmless: String?

    var lmcacheVariable: String { "LMCACHE_\(name.uppercased())" }

    /// Reads a value, and says why it has no effect.
    func check(_ value: SettingValue) throws(SettingProblem) -> String {
        let isOn = try isOn(value)
        switch verdict {
        case .ignored(let why): return why
        case .refused(let why):
            guard !isOn else { throw SettingProblem(why, isRefusal: true) }
            return "off"
        }
    }

    /// Whether the value asks for something; one of another kind is an error.
    private func isOn(_ value: SettingValue) throws(SettingProblem) -> Bool {
        switch kind {
        case .truth: return try SettingKind.truth.parse(value)
        case .count:
            let text = try value.scalar()
            guard DecimalText.count(text) != nil || text == "-1" else {
                throw SettingProblem("\(Quoted(text)) is no whole number")
            }
            return true
        case .number:
            let text = try value.scalar()
            guard DecimalText.number(text) != nil || ["inf", ".inf"].contains(text.lowercased()) else {
                throw SettingProblem("\(Quoted(text)) is no number")
            }
            return true
        case .text:
            let text = try value.scalar()
            return !text.isEmpty && text != harmless
        case .list: return try !value.items().isEmpty
        case .mapping:
            guard case .mapping(let members) = value else {
                throw SettingProblem("write a mapping of names to values")
            }
            if name == "extra_config" { try Self.checkExtraConfig(members) }
            return true
        case .any: return true
        }
    }

    /// The value as it may be shown: only numbers and truths hold no secrets.
    func shownText(of value: SettingValue) -> String {
        guard case .scalar(let text) = value, ![.text, .list, .mapping, .any].contains(kind) else {
            return "given"
        }
        return text
    }
}
