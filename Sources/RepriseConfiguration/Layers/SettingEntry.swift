/// A setting as it is given in one place.
internal struct SettingEntry: Sendable {
    /// The name that is used there.
    let name: String
    let value: SettingValue
    let origin: ConfigurationOrigin
    /// The lines of a list's items, or of a mapping's members.
    var itemLines: [Int] = []

    /// Where an item of the value stands.
    func origin(ofItem index: Int?) -> ConfigurationOrigin {
        guard let index, itemLines.indices.contains(index), case .file(let path, _) = origin else {
            return origin
        }
        return .file(path: path, line: itemLines[index])
    }
}
