internal import Yams

extension YAMLDocument {
    /// What Yams says, without the file's text, which may hold a password.
    internal func failure(_ error: any Error, in text: String) -> ConfigurationError {
        guard let error = error as? YamlError else {
            return ConfigurationError(.malformedFile, "\(path): it cannot be read as YAML")
        }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            return malformed(mark.line, [context?.text, problem].compactMap(\.self).joined(separator: ", "))
        case .reader(let problem, let offset, _, _):
            let line = 1 + text.prefix(offset ?? 0).count { $0.isNewline }
            return malformed(line, problem)
        case .duplicatedKeysInMapping(let names, let context):
            let name = names.first ?? ""
            return ConfigurationError(
                .duplicateSetting,
                "\(path):\(context.mark.line): \(Quoted(name)) is given twice"
            )
        default: return ConfigurationError(.malformedFile, "\(path): it cannot be read as YAML")
        }
    }

    private func malformed(_ line: Int, _ problem: String) -> ConfigurationError {
        ConfigurationError(.malformedFile, "\(path):\(line): this is no YAML: \(problem)")
    }
}
