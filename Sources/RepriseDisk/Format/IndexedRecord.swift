/// What journal and snapshots keep of a record: enough to find it, not to believe it.
package struct IndexedRecord: Hashable, Sendable {
    /// Where it begins in the data file.
    package var startUnit: UInt32
    package var sequence: RecordSequence
    package var payloadByteCount: Int
    /// When the value expires, in milliseconds since 1970; `nil` for never.
    package var deadline: Int64?
    package var key: [UInt8]

    /// Creates a record from its fields.
    package init(
        startUnit: UInt32,
        sequence: RecordSequence,
        payloadByteCount: Int,
        deadline: Int64?,
        key: [UInt8]
    ) {
        self.startUnit = startUnit
        self.sequence = sequence
        self.payloadByteCount = payloadByteCount
        self.deadline = deadline
        self.key = key
    }

    /// Bytes in front of the key.
    static let fixedByteCount = 32

    /// Bytes of a record with a key of so many.
    package static func byteCount(keyByteCount: Int) -> Int { fixedByteCount + keyByteCount }

    func append(to fields: inout FieldWriter) {
        fields.append(startUnit)
        fields.append(UInt32(key.count))
        fields.append(sequence.rawValue)
        fields.append(UInt64(payloadByteCount))
        fields.append(deadline: deadline)
        fields.append(key)
    }

    init?(_ reader: inout FieldReader) {
        guard let startUnit = reader.next(UInt32.self), let keyByteCount = reader.next(UInt32.self),
            let sequence = reader.next(UInt64.self), let payloadByteCount = reader.next(UInt64.self),
            let deadline = reader.nextDeadline(), let key = reader.next(byteCount: Int(keyByteCount)),
            let payloadByteCount = Int(exactly: payloadByteCount)
        else { return nil }
        self.init(
            startUnit: startUnit,
            sequence: RecordSequence(rawValue: sequence),
            payloadByteCount: payloadByteCount,
            deadline: deadline,
            key: key
        )
    }
}
