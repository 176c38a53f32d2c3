import RepriseCore
import RepriseRemote

/// Fuzzes what reads values of remote stores, and their URLs: the input is taken for a record's header, as it
/// is and with the checksum that it ought to have, for a tensor in eight bits, and for a URL.
///
/// Nothing may trap, whatever the bytes; a header that is believed comes back from its own bytes.
@c(LLVMFuzzerTestOneInput)
public func fuzzRemoteRecord(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input has `count` bytes and outlives the call.
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    checkRecord(bytes)
    var proven = bytes
    let checksum = CRC32C.of(bytes.rawSpan)
    for shift in stride(from: 0, to: 32, by: 8) {
        proven.append(UInt8(truncatingIfNeeded: checksum >> UInt32(shift)))
    }
    checkRecord(proven)
    checkTensor(bytes)
    if let url = try? RemoteURL(parsing: String(decoding: bytes, as: UTF8.self)) {
        require("\(url.store)".utf8.count > 0, "a URL without a store")
    }
    return 0
}

/// Ends the process with a message, which `precondition` keeps to itself where code is optimised.
private func require(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fatalError(message()) }
}

private func checkRecord(_ header: [UInt8]) {
    // What the header says of the value, so that it can be believed.
    let payload = header.count < 24 ? 0 : header.rawSpan.loadLittleEndian(at: 16, as: UInt64.self)
    let byteCount = header.count + Int(payload & 0xFFFF_FFFF_FFFF) + RemoteRecord.trailerByteCount
    guard let record = RemoteRecord.decode(header.rawSpan, recordByteCount: byteCount) else { return }
    require(record.byteCount == byteCount, "\(record) has \(record.byteCount) bytes, not \(byteCount)")
    let again = RemoteRecord.decode(record.encodedHeader.rawSpan, recordByteCount: byteCount)
    require(again == record, "\(record) comes back as \(String(describing: again))")
    require(
        RemoteRecord.decode(header.rawSpan, recordByteCount: byteCount + 1) == nil,
        "believed with another length"
    )
}

private let pool = try? MemoryPool(MemoryPool.Configuration(byteCount: 4 << 20))

private func checkTensor(_ bytes: [UInt8]) {
    guard let pool, !bytes.isEmpty else { return }
    let metadata = MemoryObjectMetadata(shape: [bytes.count], dtype: .uint8, format: .binary)
    guard let object = try? pool.allocate(byteCount: bytes.count, metadata: metadata) else { return }
    object.copy(from: bytes.rawSpan)
    let serde = FP8Serde(headElementCount: 16)
    let value = serde.deserialize(object) { byteCount, metadata in
        try? pool.allocate(byteCount: byteCount, metadata: metadata)
    }
    value?.release()
    object.release()
}
