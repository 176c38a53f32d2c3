/// What a serde did, as people or programs read it.
public struct SerdeReport: Sendable {
    private let name: String
    private let result: SerdeResult

    /// Creates a report of a serde by its name.
    public init(_ name: String, _ result: SerdeResult) {
        self.name = name
        self.result = result
    }

    private var share: Double { Double(result.storedByteCount) / Double(result.originalByteCount) }

    private func rate(_ nanoseconds: UInt64) -> Double {
        Double(result.originalByteCount) / Double(max(1, nanoseconds)) * 1e9
    }

    private var percentEqual: Double {
        100 * Double(result.error.equalCount) / Double(max(1, result.error.elementCount))
    }

    /// One line for each figure.
    public var table: String {
        let rows = [
            ["\(name): a tensor of", HumanText.bytes(result.originalByteCount)],
            ["is stored in", HumanText.bytes(result.storedByteCount)],
            ["share", "\(HumanText.fixed(100 * share, digits: 1))%"],
            ["encoding", HumanText.rate(bytesPerSecond: rate(result.encodeNanoseconds))],
            ["decoding", HumanText.rate(bytesPerSecond: rate(result.decodeNanoseconds))],
            ["relative error (RMS)", "\(HumanText.fixed(100 * result.error.relativeRMS, digits: 3))%"],
            ["largest difference", HumanText.fixed(result.error.absoluteMax, digits: 5)],
            ["cosine", HumanText.fixed(result.error.cosine, digits: 7)],
            ["elements unchanged", "\(HumanText.fixed(percentEqual, digits: 1))%"],
        ]
        return TextTable(alignments: [.left, .right], rows: rows).text
    }

    /// The same as one object.
    public var json: JSONValue {
        .object([
            ("serde", .string(name)),
            ("value_bytes", .integer(result.originalByteCount)),
            ("stored_bytes", .integer(result.storedByteCount)),
            ("encode_bytes_per_second", .number(rate(result.encodeNanoseconds))),
            ("decode_bytes_per_second", .number(rate(result.decodeNanoseconds))),
            ("relative_rms_error", .number(result.error.relativeRMS)),
            ("largest_difference", .number(result.error.absoluteMax)),
            ("cosine", .number(result.error.cosine)),
            ("unchanged_elements", .integer(result.error.equalCount)),
            ("elements", .integer(result.error.elementCount)),
        ])
    }
}
