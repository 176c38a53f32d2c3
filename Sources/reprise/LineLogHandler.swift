import Glibc
import Logging

/// Writes one line to standard error for each log message, as text or as a JSON object.
struct LineLogHandler: LogHandler {
    /// How a line is written.
    enum Format: String, CaseIterable, Sendable {
        case text, json
    }

    let format: Format
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let line =
            switch format {
            case .text: Self.textLine(event, fields: fields)
            case .json: Self.jsonLine(event, fields: fields)
            }
        Console.writeErrorLine(line)
    }

    private typealias Fields = [(key: String, value: Logger.Metadata.Value)]

    private static func textLine(_ event: LogEvent, fields: Fields) -> String {
        let values = fields.map { " \($0.key)=\($0.value)" }.joined()
        return "\(TimeText.now()) \(event.level) \(event.message)\(values)"
    }

    private static func jsonLine(_ event: LogEvent, fields: Fields) -> String {
        var members = [
            "\"time\":\(quoted(TimeText.now()))", "\"level\":\(quoted("\(event.level)"))",
            "\"message\":\(quoted("\(event.message)"))",
        ]
        members += fields.map { "\(quoted($0.key)):\(quoted("\($0.value)"))" }
        return "{\(members.joined(separator: ","))}"
    }

    /// A JSON string. See RFC 8259, section 7.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
