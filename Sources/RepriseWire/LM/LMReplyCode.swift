/// The outcome that an `lm://` reply begins with.
public enum LMReplyCode: Int32, CaseIterable, Sendable {
    /// The value or key is there.
    case success = 200
    /// It is not, or the server cannot say.
    case failure = 400
}
