/// A JSON document to print; objects keep the order of their members.
public indirect enum JSONValue: Sendable {
    /// A text.
    case string(String)
    /// A whole number.
    case integer(Int)
    /// A number; printed as `null` if it is infinite or not a number, which JSON does not have.
    case number(Double)
    /// True or false.
    case bool(Bool)
    /// Nothing.
    case null
    /// Values in order.
    case array([JSONValue])
    /// Members in order; names should be distinct.
    case object([(String, JSONValue)])

    /// A number from its text, or the text itself where JSON has no such number; `007` is text.
    public init(number text: String) {
        if let integer = Int(text) {
            self = "\(integer)" == text ? .integer(integer) : .string(text)
        } else if let number = Double(text), number.isFinite {
            self = .number(number)
        } else {
            self = .string(text)
        }
    }

    /// The document, indented by two spaces a level, without a line end behind.
    public var text: String { text(indentation: "") }

    private func text(indentation: String) -> String {
        let inner = indentation + "  "
        switch self {
        case .string(let text): return JSONValue.quoted(text)
        case .integer(let integer): return "\(integer)"
        case .number(let number): return number.isFinite ? "\(number)" : "null"
        case .bool(let bool): return "\(bool)"
        case .null: return "null"
        case .array(let values):
            guard !values.isEmpty else { return "[]" }
            let lines = values.map { inner + $0.text(indentation: inner) }
            return "[\n\(lines.joined(separator: ",\n"))\n\(indentation)]"
        case .object(let members):
            guard !members.isEmpty else { return "{}" }
            let lines = members.map { "\(inner)\(JSONValue.quoted($0.0)): \($0.1.text(indentation: inner))" }
            return "{\n\(lines.joined(separator: ",\n"))\n\(indentation)}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\u{00}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
