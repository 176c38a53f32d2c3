import RepriseCore
import RepriseDisk

/// Fuzzes what reads pages of a disk's data file: the input is taken for a page, as it is and with the
/// checksum that it ought to have.
///
/// Nothing may trap, whatever the bytes; what is read must come back from a page of its own, and be
/// believed on its disk and at its place only.
@c(LLVMFuzzerTestOneInput)
public func fuzzDiskRecord(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input has `count` bytes and outlives the call.
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    checkRecord(bytes)
    checkSuperblock(bytes)
    let seed = UInt32(truncatingIfNeeded: identity.rawValue ^ identity.rawValue >> 32)
    checkRecord(page(bytes, seed: seed))
    checkSuperblock(page(bytes, seed: 0))
    return 0
}

/// The identity "RPRSFUZZ", which the corpus has.
private let identity = DiskIdentity(rawValue: 0x5A5A_5546_5352_5052)

/// Ends the process with a message, which `precondition` keeps to itself where code is optimised.
private func require(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fatalError(message()) }
}

/// The bytes, filled with zeros, and the checksum of all.
private func page(_ bytes: [UInt8], seed: UInt32) -> [UInt8] {
    var page = Array(bytes.prefix(4092))
    page += repeatElement(0, count: 4092 - page.count)
    let checksum = CRC32C.of(page.rawSpan, continuing: seed)
    for shift in stride(from: 0, to: 32, by: 8) {
        page.append(UInt8(truncatingIfNeeded: checksum >> UInt32(shift)))
    }
    return page
}

private enum Outcome: Equatable {
    case header(RecordHeader)
    case fault(RecordFault)
}

private func decode(_ page: [UInt8], _ identity: DiskIdentity, _ startUnit: UInt32) -> Outcome {
    do throws(RecordFault) {
        return .header(try RecordHeader.decode(page.rawSpan, identity: identity, startUnit: startUnit))
    } catch {
        return .fault(error)
    }
}

private func checkRecord(_ page: [UInt8]) {
    let place = page.count < 16 ? 0 : page.rawSpan.loadLittleEndian(at: 12, as: UInt32.self)
    guard case .header(let header) = decode(page, identity, place) else { return }
    require(page.count == 4096, "a page of \(page.count) bytes")
    require(header.startUnit == place && header.identity == identity, "\(header)")
    require(header.key.count <= RecordHeader.keyByteCountMax, "a key of \(header.key.count) bytes")
    require(header.payloadByteCount >= 0, "a value of \(header.payloadByteCount) bytes")
    require(decode(header.encoded, identity, place) == .header(header), "\(header) does not come back")
    require(decode(page, identity, place ^ 1) == .fault(.offset), "believed at another place")
    let other = DiskIdentity(rawValue: identity.rawValue ^ 1)
    require(decode(page, other, place) == .fault(.checksum), "believed on another disk")
    let fault = header.fault(
        key: header.key,
        sequence: header.sequence,
        payloadByteCount: header.payloadByteCount
    )
    require(fault == nil, "not what it is")
    _ = RecordHeader.unitCount(payloadByteCount: header.payloadByteCount)
}

private func checkSuperblock(_ page: [UInt8]) {
    guard let superblock = try? Superblock.decode(page.rawSpan) else { return }
    let again = try? Superblock.decode(superblock.encoded.rawSpan)
    require(again == superblock, "\(superblock) comes back as \(String(describing: again))")
}
