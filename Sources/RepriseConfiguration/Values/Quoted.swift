/// A user's text within a message: quoted, on one line and not too long.
internal struct Quoted: CustomStringConvertible {
    let description: String

    init(_ text: some StringProtocol) {
        let scalars = text.unicodeScalars.prefix(ConfigurationLimits.shownCharacterCountMax)
        var shown = ""
        for scalar in scalars { shown += scalar.value < 0x20 || scalar.value == 0x7f ? "?" : "\(scalar)" }
        let isCut = scalars.endIndex != text.unicodeScalars.endIndex
        description = "'\(shown)\(isCut ? "…" : "")'"
    }
}
