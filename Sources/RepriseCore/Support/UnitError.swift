/// Why a text is no size or duration; the message names the accepted forms.
public struct UnitError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was wrong and what would be accepted.
    public let message: String

    /// Creates an error for a text that cannot be read.
    public init(_ text: String, forms: String) {
        message = "'\(text)' cannot be read; \(forms)"
    }

    /// Creates an error for a text whose value does not fit in 64 bits.
    public init(tooLarge text: String, forms: String) {
        message = "'\(text)' is too large; \(forms)"
    }

    /// The message.
    public var description: String { message }

    /// Splits a text into its leading ASCII digits and the unit after them.
    internal static func split(_ text: String, forms: String) throws(UnitError) -> (count: Int, unit: String)
    {
        let digits = text.utf8.prefix { $0 >= 0x30 && $0 <= 0x39 }
        guard !digits.isEmpty, let unit = String(text.utf8.dropFirst(digits.count)) else {
            throw UnitError(text, forms: forms)
        }
        guard let count = Int(String(decoding: digits, as: UTF8.self)) else {
            throw UnitError(tooLarge: text, forms: forms)
        }
        return (count, unit)
    }
}
