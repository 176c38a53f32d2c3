import RepriseCore
import RepriseDisk

/// Fuzzes what reads a disk's journal: the input is taken for what follows the header, for the records of one
/// batch, and for the header.
///
/// Nothing may trap, whatever the bytes; what is read must come back from a journal of its own, and a journal
/// that ends early must have the first of it.
@c(LLVMFuzzerTestOneInput)
public func fuzzDiskJournal(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input has `count` bytes and outlives the call.
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    check(first.encoded + bytes)
    let file = first.encoded + batch(bytes, position: 4096)
    check(file + batch(bytes, position: file.count))
    check(file + bytes)
    checkHeader(bytes)
    return 0
}

/// The identity "RPRSFUZZ", which the corpus has.
private let first = JournalHeader(
    identity: DiskIdentity(rawValue: 0x5A5A_5546_5352_5052),
    number: 1,
    openCount: 1
)

/// Ends the process with a message, which `precondition` keeps to itself where code is optimised.
private func require(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fatalError(message()) }
}

private func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    stride(from: 0, to: Number.bitWidth, by: 8).map { UInt8(truncatingIfNeeded: number >> Number($0)) }
}

/// A batch of these records, made from the document alone.
private func batch(_ records: [UInt8], position: Int) -> [UInt8] {
    let place =
        littleEndian(first.identity.rawValue) + littleEndian(first.number) + littleEndian(UInt64(position))
    let front = littleEndian(UInt32(records.count)) + littleEndian(UInt32(1))
    let covered = front + littleEndian(UInt64(0)) + records
    let checksum = CRC32C.of(covered.rawSpan, continuing: CRC32C.of(place.rawSpan))
    return front + littleEndian(checksum) + littleEndian(UInt32(0)) + records
}

private func read(_ bytes: [UInt8]) -> (records: [JournalRecord], position: Int) {
    var records: [JournalRecord] = []
    var reader = JournalReader()
    reader.read(bytes.rawSpan, header: first) { records.append($0) }
    require(records.count == reader.recordCount, "\(reader.recordCount) records are \(records.count)")
    require(reader.position == 4096 || (4097...bytes.count).contains(reader.position), "\(reader)")
    return (records, reader.position)
}

private func check(_ bytes: [UInt8]) {
    let (records, position) = read(bytes)
    var batch = JournalBatch()
    for record in records { batch.append(record) }
    let finished = batch.finish(
        openCount: 1,
        identity: first.identity,
        journalNumber: first.number,
        position: 4096
    )
    let again = read(first.encoded + finished)
    require(again.records == records, "\(records) come back as \(again.records)")
    guard position > 4096 else { return }
    let whole = read(Array(bytes.prefix(position)))
    require(whole == (records, position), "what is behind the end changes what is in front of it")
    let torn = read(Array(bytes.prefix(position - 1)))
    require(torn.position < position && records.starts(with: torn.records), "a torn batch is believed")
}

private func checkHeader(_ bytes: [UInt8]) {
    var page = Array(bytes.prefix(4092))
    page += repeatElement(0, count: 4092 - page.count)
    let seed = UInt32(truncatingIfNeeded: first.identity.rawValue ^ first.identity.rawValue >> 32)
    page += littleEndian(CRC32C.of(page.rawSpan, continuing: seed))
    for page in [bytes, page] {
        guard let header = JournalHeader.decode(page.rawSpan, identity: first.identity) else { continue }
        let again = JournalHeader.decode(header.encoded.rawSpan, identity: first.identity)
        require(again == header, "\(header) comes back as \(String(describing: again))")
    }
}
