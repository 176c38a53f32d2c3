internal import RepriseWire

extension RESPValue {
    /// A string of any kind as text; `nil` for what is none.
    internal var string: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
}
