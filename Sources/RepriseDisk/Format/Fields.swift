internal import RepriseCore

/// Little-endian fields, one behind the other, in a page or a batch.
struct FieldWriter {
    private(set) var bytes: [UInt8] = []

    init(reserving byteCount: Int = AllocationUnit.byteCount) { bytes.reserveCapacity(byteCount) }

    mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        for shift in stride(from: 0, to: Number.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
        }
    }

    mutating func append(_ more: [UInt8]) { bytes += more }

    /// Appends when something expires. 0 says never, so that the first millisecond of 1970 becomes the
    /// second.
    mutating func append(deadline: Int64?) { append(deadline.map { $0 == 0 ? 1 : $0 } ?? 0) }

    /// Fills with zeros up to a page's end but for a checksum, and appends that of all before it.
    mutating func finishPage(seed: UInt32) {
        let rest = AllocationUnit.byteCount - 4 - bytes.count
        precondition(rest >= 0, "the fields are longer than a page")
        bytes += repeatElement(0, count: rest)
        append(CRC32C.of(bytes.rawSpan, continuing: seed))
    }
}

/// Little-endian fields, one behind the other, as they are read; `nil` past the end.
struct FieldReader: ~Escapable {
    private let bytes: RawSpan
    private(set) var offset = 0

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) { self.bytes = bytes }

    mutating func next<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type) -> Number? {
        guard MemoryLayout<Number>.size <= bytes.byteCount - offset else { return nil }
        defer { offset += MemoryLayout<Number>.size }
        return bytes.loadLittleEndian(at: offset, as: type)
    }

    /// When something expires, `.some(nil)` for never.
    mutating func nextDeadline() -> Int64?? { next(Int64.self).map { $0 == 0 ? nil : $0 } }

    mutating func next(byteCount: Int) -> [UInt8]? {
        guard byteCount >= 0, byteCount <= bytes.byteCount - offset else { return nil }
        defer { offset += byteCount }
        return [UInt8](copying: bytes.extracting(offset..<(offset + byteCount)))
    }
}

extension RawSpan {
    /// Whether the span is a page that ends with the checksum of the rest.
    func isProvenPage(seed: UInt32) -> Bool {
        guard byteCount == AllocationUnit.byteCount else { return false }
        let end = byteCount - 4
        let checksum = CRC32C.of(extracting(first: end), continuing: seed)
        return checksum == loadLittleEndian(at: end, as: UInt32.self)
    }
}
