import RepriseCore
import RepriseDisk

/// Fuzzes what reads a disk's snapshot: the input is taken for the content, for the records of its
/// blocks, and for the header.
///
/// Nothing may trap, whatever the bytes; what is read must come back from a snapshot of its own, and a
/// damaged block must lose only itself.
@c(LLVMFuzzerTestOneInput)
public func fuzzDiskSnapshot(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input has `count` bytes and outlives the call.
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    check(bytes)
    check(block(bytes, number: 0) + bytes)
    if !bytes.isEmpty { checkDamage(bytes) }
    checkHeader(bytes)
    return 0
}

/// The identity "RPRSFUZZ", which the corpus has.
private let identity = DiskIdentity(rawValue: 0x5A5A_5546_5352_5052)
private let snapshotNumber: UInt64 = 1

/// Ends the process with a message, which `precondition` keeps to itself where code is optimised.
private func require(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fatalError(message()) }
}

private func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    stride(from: 0, to: Number.bitWidth, by: 8).map { UInt8(truncatingIfNeeded: number >> Number($0)) }
}

/// A block of these records, made from the document alone.
private func block(_ records: [UInt8], number: UInt32) -> [UInt8] {
    let place = littleEndian(identity.rawValue) + littleEndian(snapshotNumber) + littleEndian(UInt64(number))
    let checksum = CRC32C.of(records.rawSpan, continuing: CRC32C.of(place.rawSpan))
    return littleEndian(UInt32(records.count)) + littleEndian(checksum) + littleEndian(number) + records
}

private func header(_ writer: inout SnapshotWriter) -> SnapshotHeader {
    writer.finish(openCount: 1, sequence: .zero, floor: .zero, isClean: false)
}

private func read(_ content: [UInt8]) -> (records: [IndexedRecord], damagedBlockCount: Int) {
    var writer = SnapshotWriter(identity: identity, number: snapshotNumber)
    var records: [IndexedRecord] = []
    var reader = SnapshotReader()
    reader.read(content.rawSpan, header: header(&writer)) { records.append($0) }
    require(records.count == reader.recordCount, "\(reader.recordCount) records are \(records.count)")
    return (records, reader.damagedBlockCount)
}

private func check(_ content: [UInt8]) {
    let (records, _) = read(content)
    var writer = SnapshotWriter(identity: identity, number: snapshotNumber)
    for record in records { writer.append(record) }
    let made = header(&writer)
    var written: [UInt8] = []
    for block in writer.takeBlocks() {
        require(block.offset == 4096 + written.count, "a block at \(block.offset)")
        written += block.bytes
    }
    require(made.contentByteCount == UInt64(written.count), "\(made) of \(written.count) bytes")
    let again = read(written)
    require(again == (records, 0), "\(records) come back as \(again)")
}

private func checkDamage(_ bytes: [UInt8]) {
    let blocks = (0..<3 as Range<UInt32>).map { block(bytes, number: $0) }
    let whole = read(Array(blocks.joined()))
    require(whole.damagedBlockCount == 0 && whole.records.count % 3 == 0, "\(whole)")
    for damaged in blocks.indices {
        var content = blocks
        let offset = 12 + Int(bytes[0]) % bytes.count
        content[damaged][offset] ^= 1
        let left = read(Array(content.joined()))
        require(left.damagedBlockCount == 1, "\(left.damagedBlockCount) damaged blocks")
        require(left.records.count == whole.records.count / 3 * 2, "\(left.records.count) records are left")
    }
}

private func checkHeader(_ bytes: [UInt8]) {
    var page = Array(bytes.prefix(4092))
    page += repeatElement(0, count: 4092 - page.count)
    let seed = UInt32(truncatingIfNeeded: identity.rawValue ^ identity.rawValue >> 32)
    page += littleEndian(CRC32C.of(page.rawSpan, continuing: seed))
    for page in [bytes, page] {
        guard let header = SnapshotHeader.decode(page.rawSpan, identity: identity) else { continue }
        let again = SnapshotHeader.decode(header.encoded.rawSpan, identity: identity)
        require(again == header, "\(header) comes back as \(String(describing: again))")
    }
}
