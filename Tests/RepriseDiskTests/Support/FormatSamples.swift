import RepriseCore
import RepriseTesting

@testable import RepriseDisk

/// Pages and records of the disk format, fixed ones and random ones.
enum FormatSamples {
    static let identity = DiskIdentity(rawValue: 0x0123_4567_89AB_CDEF)
    static let stranger = DiskIdentity(rawValue: 0x0123_4567_89AB_CDEE)
    /// Its folded half is that of ``identity``: only the identity itself tells them apart.
    static let twin = DiskIdentity(rawValue: 0x89AB_CDEF_0123_4567)

    static let superblock = Superblock(
        identity: identity,
        setIdentity: 0x1111_1111_1111_1111,
        setGeneration: 7,
        openCount: 3,
        floor: RecordSequence(openCount: 1, counter: 2),
        rebuildFloor: RecordSequence(openCount: 2, counter: 0),
        bootIdentity: 0x2222_2222_2222_2222,
        unitCount: 1000,
        saveNumber: 9
    )

    static let record = RecordHeader(
        identity: identity,
        startUnit: 42,
        sequence: RecordSequence(openCount: 3, counter: 5),
        key: Array("model@1@0@ab".utf8),
        metadata: MemoryObjectMetadata(
            verbatimFormat: 2,
            dtype: 3,
            shape: TensorShape(verbatim: [2, 3, 4, 0], dimensionCount: 3),
            origin: .lm
        ),
        payloadByteCount: 5000,
        deadline: 1_700_000_000_000,
        payloadChecksum: 0xE306_9283
    )

    static let indexed = IndexedRecord(
        startUnit: 42,
        sequence: RecordSequence(openCount: 3, counter: 5),
        payloadByteCount: 5000,
        deadline: 1_700_000_000_000,
        key: Array("key".utf8)
    )

    static let journal = JournalHeader(identity: identity, number: 6, openCount: 3)

    static let snapshot = SnapshotHeader(
        identity: identity,
        number: 6,
        openCount: 3,
        recordCount: 10,
        contentByteCount: 800,
        sequence: RecordSequence(openCount: 3, counter: 5),
        floor: RecordSequence(openCount: 1, counter: 2),
        isClean: true
    )

    /// Random bytes.
    static func bytes(_ count: Int, _ random: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count {
            let word = random.next()
            for shift in stride(from: 0, to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    static func sequence(_ random: inout SeededGenerator) -> RecordSequence {
        RecordSequence(rawValue: random.next())
    }

    /// `nil` at times, and negative at others, but not 0.
    static func deadline(_ random: inout SeededGenerator) -> Int64? {
        Bool.random(using: &random) ? nil : Int64(bitPattern: random.next() | 1)
    }

    static func indexed(keyByteCountMax: Int = 40, _ random: inout SeededGenerator) -> IndexedRecord {
        IndexedRecord(
            startUnit: .random(in: 0 ... .max, using: &random),
            sequence: sequence(&random),
            payloadByteCount: .random(in: 0 ... .max, using: &random),
            deadline: deadline(&random),
            key: bytes(.random(in: 0...keyByteCountMax, using: &random), &random)
        )
    }

    static func header(_ random: inout SeededGenerator) -> RecordHeader {
        let origins: [MemoryObjectMetadata.Origin] = [.library, .lm, .lmV0, .plain]
        let shape = SIMD4<Int32>(truncatingIfNeeded: SIMD4<UInt64>((0..<4).map { _ in random.next() }))
        return RecordHeader(
            identity: DiskIdentity(rawValue: random.next()),
            startUnit: .random(in: 0 ... .max, using: &random),
            sequence: sequence(&random),
            key: bytes(.random(in: 0...RecordHeader.keyByteCountMax, using: &random), &random),
            metadata: MemoryObjectMetadata(
                verbatimFormat: .random(in: .min ... .max, using: &random),
                dtype: .random(in: .min ... .max, using: &random),
                shape: TensorShape(verbatim: shape, dimensionCount: .random(in: 0...4, using: &random)),
                origin: origins[.random(in: 0..<4, using: &random)]
            ),
            payloadByteCount: .random(in: 0 ... .max, using: &random),
            deadline: deadline(&random),
            payloadChecksum: .random(in: 0 ... .max, using: &random)
        )
    }

    /// A change of any kind.
    static func change(_ random: inout SeededGenerator) -> JournalRecord {
        let startUnit = UInt32.random(in: 0 ... .max, using: &random)
        let sequence = sequence(&random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: return .put(indexed(&random))
        case 1: return .remove(startUnit: startUnit, sequence: sequence)
        case 2: return .expiry(startUnit: startUnit, sequence: sequence, deadline: deadline(&random))
        case 3: return .floor(sequence)
        case 4: return .begin(startUnit: startUnit, sequence: sequence)
        default: return .destroyed(startUnit: startUnit, sequence: sequence)
        }
    }

    /// How many single-bit flips of some bytes are told to be `isGood`: none, if all are found.
    ///
    /// - Parameter range: The bytes to flip bits of; all unless given.
    static func unnoticedFlips(
        of bytes: [UInt8],
        in range: Range<Int>? = nil,
        isGood: (RawSpan) -> Bool
    ) -> [Int] {
        var bytes = bytes
        var unnoticed: [Int] = []
        for bit in (8 * (range?.lowerBound ?? 0))..<(8 * (range?.upperBound ?? bytes.count)) {
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            if isGood(bytes.rawSpan) { unnoticed.append(bit) }
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        }
        return unnoticed
    }

    /// The bytes as hexadecimal digits.
    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// A page with another version, whose checksum holds.
    static func changing(_ page: [UInt8], at offset: Int, to byte: UInt8, seed: UInt32) -> [UInt8] {
        var fields = FieldWriter()
        fields.append(Array(page.dropLast(4)))
        var bytes = fields.bytes
        bytes[offset] = byte
        fields = FieldWriter()
        fields.append(bytes)
        fields.finishPage(seed: seed)
        return fields.bytes
    }
}
