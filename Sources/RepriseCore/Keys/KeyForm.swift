/// Which of LMCache's two text forms a key has, with the field that only this form carries.
public enum KeyForm: Hashable, Sendable {
    /// `engine@model@world@worker@hash[@layer]`, up to LMCache 0.3.1; the engine is usually "vllm".
    case legacy(engine: String)
    /// `model@world@worker@hash@dtype[@layer][@tag%value]…`, as in LMCache 0.5.6.
    case current(dtype: DType)

    /// The form without its field.
    public enum Version: CaseIterable, Hashable, Sendable {
        /// That of ``KeyForm/legacy(engine:)``.
        case legacy
        /// That of ``KeyForm/current(dtype:)``.
        case current
    }

    /// The form without its field.
    public var version: Version {
        switch self {
        case .legacy: .legacy
        case .current: .current
        }
    }
}
