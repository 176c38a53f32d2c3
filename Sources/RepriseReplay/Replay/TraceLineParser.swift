/// Reads the JSON object of one line of a trace; knows only what traces contain.
internal struct TraceLineParser {
    private enum Field: String, CaseIterable {
        case timestamp
        case inputLength = "input_length"
        case outputLength = "output_length"
        case hashIDs = "hash_ids"
    }

    private let bytes: ArraySlice<UInt8>
    private let line: Int
    private var offset: Int

    /// Creates a parser for a line without its end.
    init(_ bytes: ArraySlice<UInt8>, line: Int) {
        self.bytes = bytes
        self.line = line
        offset = bytes.startIndex
    }

    /// Reads the whole line; `nil` if it is empty.
    mutating func request() throws(TraceError) -> TraceRequest? {
        skipSpace()
        guard offset < bytes.endIndex else { return nil }
        var request = TraceRequest(blockIDs: [])
        var seen: Set<Field> = []
        try expect("{")
        repeat {
            let field = try fieldName()
            guard seen.insert(field).inserted else {
                throw TraceError(.duplicateField, line: line, "'\(field.rawValue)' comes twice")
            }
            try expect(":")
            try readValue(of: field, into: &request)
        } while skip(",")
        try expect("}")
        skipSpace()
        guard offset == bytes.endIndex else { throw syntaxError("the end of the line") }
        if let missing = Field.allCases.first(where: { !seen.contains($0) }) {
            throw TraceError(.missingField, line: line, "'\(missing.rawValue)' is missing")
        }
        return request
    }

    private mutating func readValue(of field: Field, into request: inout TraceRequest) throws(TraceError) {
        switch field {
        case .timestamp: request.timestampMilliseconds = try number()
        case .inputLength: request.inputTokenCount = try number()
        case .outputLength: request.outputTokenCount = try number()
        case .hashIDs: request.blockIDs = try numbers()
        }
    }

    private mutating func numbers() throws(TraceError) -> [UInt64] {
        var numbers: [UInt64] = []
        try expect("[")
        guard !skip("]") else { return numbers }
        repeat {
            guard numbers.count < TraceReader.blockCountMax else {
                throw TraceError(
                    .tooLarge,
                    line: line,
                    "more than \(TraceReader.blockCountMax) blocks in a request"
                )
            }
            numbers.append(UInt64(try number()))
        } while skip(",")
        try expect("]")
        return numbers
    }

    private mutating func number() throws(TraceError) -> Int {
        skipSpace()
        let digits = bytes[offset...].prefix { $0 >= 0x30 && $0 <= 0x39 }
        offset += digits.count
        // A point, an exponent or another word after the digits makes it another number than was read.
        let isWhole = offset == bytes.endIndex || ",]} \t\r".utf8.contains(bytes[offset])
        let hasLeadingZero = digits.count > 1 && digits.first == 0x30
        guard isWhole, !hasLeadingZero, let number = Int(String(decoding: digits, as: UTF8.self)) else {
            throw TraceError(
                .badNumber,
                line: line,
                "column \(column): a whole number from 0 to 2^63 - 1 belongs here"
            )
        }
        return number
    }

    private mutating func fieldName() throws(TraceError) -> Field {
        try expect("\"")
        let name = bytes[offset...].prefix { $0 != UInt8(ascii: "\"") }
        guard let field = Field(rawValue: String(decoding: name, as: UTF8.self)) else {
            let names = Field.allCases.map(\.rawValue).joined(separator: ", ")
            throw TraceError(.unknownField, line: line, "column \(column): a trace's fields are \(names)")
        }
        offset += name.count
        try expect("\"")
        return field
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(TraceError) {
        guard skip(character) else { throw syntaxError("'\(character)'") }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard offset < bytes.endIndex, bytes[offset] == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    private mutating func skipSpace() {
        while offset < bytes.endIndex, " \t\r".utf8.contains(bytes[offset]) { offset += 1 }
    }

    private func syntaxError(_ expected: String) -> TraceError {
        TraceError(.syntax, line: line, "column \(column): \(expected) belongs here")
    }

    private var column: Int { offset - bytes.startIndex + 1 }
}
