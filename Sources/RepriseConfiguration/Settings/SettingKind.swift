internal import RepriseCore

/// How a setting's value is read and shown.
internal struct SettingKind<Value: Sendable>: Sendable {
    let parse: @Sendable (SettingValue) throws(SettingProblem) -> Value
    let show: @Sendable (Value) -> String

    init(
        show: @escaping @Sendable (Value) -> String,
        parse: @escaping @Sendable (SettingValue) throws(SettingProblem) -> Value
    ) {
        self.parse = parse
        self.show = show
    }

    /// A kind of single values.
    init(
        show: @escaping @Sendable (Value) -> String,
        text: @escaping @Sendable (String) throws(SettingProblem) -> Value
    ) {
        self.init(show: show) { (value: SettingValue) throws(SettingProblem) in
            try text(try value.scalar())
        }
    }

    /// A kind that is shown as its description.
    init(text: @escaping @Sendable (String) throws(SettingProblem) -> Value)
    where Value: CustomStringConvertible {
        self.init(show: { $0.description }, text: text)
    }

    /// The same for a setting that may be absent.
    var optional: SettingKind<Value?> {
        SettingKind<Value?>(show: { $0.map(show) ?? "-" }) { (value: SettingValue) throws(SettingProblem) in
            try parse(value)
        }
    }

    /// A list of such values.
    var list: SettingKind<[Value]> {
        SettingKind<[Value]>(show: { $0.isEmpty ? "-" : $0.map(show).joined(separator: ",") }) {
            (value: SettingValue) throws(SettingProblem) in
            var values: [Value] = []
            for (index, item) in try value.items().enumerated() {
                do throws(SettingProblem) {
                    values.append(try parse(.scalar(item)))
                } catch {
                    var problem = error
                    problem.item = index
                    throw problem
                }
            }
            return values
        }
    }
}

extension SettingKind<Bool> {
    /// `true` or `1`, `false` or `0`, in any case.
    static let truth = SettingKind { (text: String) throws(SettingProblem) in
        switch text.lowercased() {
        case "true", "1": return true
        case "false", "0": return false
        default: throw SettingProblem("\(Quoted(text)) is neither true nor false; write true, 1, false or 0")
        }
    }
}

extension SettingKind<Int> {
    /// A whole number within a range.
    static func count(_ range: ClosedRange<Int>) -> SettingKind {
        SettingKind { (text: String) throws(SettingProblem) in
            guard let count = DecimalText.count(text), range.contains(count) else {
                let bound = range.upperBound == .max ? "or more" : "to \(range.upperBound)"
                throw SettingProblem(
                    "\(Quoted(text)) is not allowed; a whole number, \(range.lowerBound) \(bound)"
                )
            }
            return count
        }
    }

    /// A size with a unit, in bytes.
    static func size(min: Int) -> SettingKind {
        SettingKind(show: { ByteSize($0).description }) { (text: String) throws(SettingProblem) in
            let size: ByteSize
            do throws(UnitError) {
                size = try ByteSize(parsing: text)
            } catch {
                throw SettingProblem("\(Quoted(text)) is no size, or too large; \(ByteSize.forms)")
            }
            guard size.byteCount >= min else {
                throw SettingProblem("\(Quoted(text)) is not enough; \(ByteSize(min)) or more")
            }
            return size.byteCount
        }
    }

    /// LMCache's sizes: a number of GiB, also a fraction of one; in bytes.
    static func gibibytes(allowingZero: Bool) -> SettingKind {
        SettingKind(show: { ByteSize($0).description }) { (text: String) throws(SettingProblem) in
            let forms = "write 5 or 0.5"
            guard let number = DecimalText.number(text), number <= Double(gibibyteCountMax) else {
                throw SettingProblem("\(Quoted(text)) is no number of GiB; \(forms)")
            }
            let byteCount = Int((number * Double(1 << 30)).rounded())
            guard byteCount > 0 || allowingZero else {
                throw SettingProblem("\(Quoted(text)): more than 0 GiB; \(forms)")
            }
            return byteCount
        }
    }

    private static let gibibyteCountMax = 1 << 30
}

extension SettingKind<UInt16> {
    /// A TCP port, or 0.
    static let port = SettingKind { (text: String) throws(SettingProblem) in
        UInt16(try SettingKind<Int>.count(0...65535).parse(.scalar(text)))
    }
}

extension SettingKind<Duration> {
    /// A duration with a unit.
    static func duration(min: Duration) -> SettingKind {
        SettingKind(show: DurationText.exact) { (text: String) throws(SettingProblem) in
            let duration: Duration
            do throws(UnitError) {
                duration = try DurationText.parse(text)
            } catch {
                throw SettingProblem("\(Quoted(text)) is no duration, or too long; \(DurationText.forms)")
            }
            guard duration >= min else {
                throw SettingProblem("\(Quoted(text)) is too short; \(DurationText.exact(min)) or more")
            }
            return duration
        }
    }

    /// LMCache's time limits: whole seconds.
    static let seconds = SettingKind(show: DurationText.exact) { (text: String) throws(SettingProblem) in
        .seconds(try SettingKind<Int>.count(1...secondCountMax).parse(.scalar(text)))
    }

    private static var secondCountMax: Int { 1_000_000_000 }
}

extension SettingKind<String> {
    /// Text that is not empty.
    static let text = SettingKind(show: { $0 }) { (text: String) throws(SettingProblem) in
        guard !text.isEmpty, !text.utf8.contains(0) else {
            throw SettingProblem("there is nothing, or a zero byte; leave it out for the default")
        }
        return text
    }

    /// One of some words, in any case.
    static func word(of words: [String]) -> SettingKind {
        SettingKind(show: { $0 }) { (text: String) throws(SettingProblem) in
            guard let word = words.first(where: { $0 == text.lowercased() }) else {
                throw SettingProblem("\(Quoted(text)) is none of \(words.joined(separator: ", "))")
            }
            return word
        }
    }
}

extension SettingKind where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of the cases, in upper or lower case.
    static var choice: SettingKind {
        SettingKind(show: { $0.rawValue }) { (text: String) throws(SettingProblem) in
            guard let value = Value(rawValue: text.lowercased()) else {
                let words = Value.allCases.map(\.rawValue).joined(separator: ", ")
                throw SettingProblem("\(Quoted(text)) is none of \(words)")
            }
            return value
        }
    }
}
