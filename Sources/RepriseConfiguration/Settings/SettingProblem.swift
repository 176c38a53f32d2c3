/// What is wrong with a value; who knows where it stands makes an error of it.
internal struct SettingProblem: Error {
    let reason: String
    /// Whether the value is known and belongs to something that is not spoken, rather than being a slip.
    let isRefusal: Bool
    /// Which item of a list it is.
    var item: Int?

    init(_ reason: String, isRefusal: Bool = false) {
        self.reason = reason
        self.isRefusal = isRefusal
    }

    /// The error about a setting that is called `name` where it stands.
    func error(in entry: SettingEntry) -> ConfigurationError {
        let code: ConfigurationError.Code = isRefusal ? .refused : .invalidValue
        return ConfigurationError(code, at: entry.origin(ofItem: item), name: entry.name, reason)
    }
}
