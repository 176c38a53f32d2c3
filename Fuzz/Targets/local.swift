import RepriseCore
import RepriseWire

/// Fuzzes what reads the local protocol: the input is taken for a connection's messages, and for answers.
///
/// Nothing may trap, whatever the bytes; a header must not depend on how its bytes arrive, and must come back
/// from bytes of its own.
@c(LLVMFuzzerTestOneInput)
public func fuzzLocal(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input has `count` bytes and outlives the call.
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    var rest = bytes[...]
    while let header = checkHeader(rest), rest.count >= header.messageByteCount {
        let body = Array(rest.prefix(header.messageByteCount).dropFirst(LocalLimits.headerByteCount))
        checkRequest(header, body)
        checkAnswer(header, body)
        rest = rest.dropFirst(header.messageByteCount)
    }
    return 0
}

/// Ends the process with a message, which `precondition` keeps to itself where code is optimised.
private func require(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fatalError(message()) }
}

private func checkHeader(_ bytes: ArraySlice<UInt8>) -> LocalHeader? {
    // A copy of its own, so that AddressSanitizer sees a read behind its end.
    let received = Array(bytes.prefix(LocalLimits.headerByteCount))
    let whole = Result { () throws(WireError) in try LocalHeader.decode(received.rawSpan) }
    for count in 0..<received.count {
        let part = Array(received.prefix(count))
        switch Result(catching: { () throws(WireError) in try LocalHeader.decode(part.rawSpan) }) {
        case .success(let header): require(header == nil, "a header of \(count) bytes")
        case .failure(let error):
            require(whole == .failure(error), "\(error) is found in \(count) bytes only")
        }
    }
    guard case .success(.some(let header)) = whole else { return nil }
    var encoded: [UInt8] = []
    header.append(to: &encoded)
    require(encoded == received, "the header comes back as \(encoded)")
    return header
}

private func checkRequest(_ header: LocalHeader, _ body: [UInt8]) {
    if let hello = try? LocalHello(body: body.rawSpan) {
        require(hello.session.count == LocalLimits.sessionByteCount, "a session of another length")
    }
    _ = try? LocalNumbers.numbers(of: body.rawSpan, count: header.count)
    checkKeys(body, count: header.count)
    let prefixByteCount = min(body.count, 8 * header.count)
    checkKeys(Array(body.dropFirst(prefixByteCount)), count: header.count)
}

private func checkKeys(_ body: [UInt8], count: Int) {
    guard let keys = try? LocalKeys(body: body.rawSpan, count: count) else { return }
    var forward: [[UInt8]] = []
    keys.forEach { index, key in
        require(index == forward.count, "key \(index) after \(forward.count) others")
        forward.append([UInt8](copying: key))
        return true
    }
    var backward: [[UInt8]] = []
    keys.forEachReversed(first: keys.count) { backward.append([UInt8](copying: $0)) }
    require(forward == backward.reversed(), "other keys from the end")
    var writer = LocalKeysWriter()
    for key in forward { require(writer.append(key.rawSpan), "a key that was read cannot be written") }
    let message = writer.encoded(.exists, identifier: 1)
    require(Array(message.dropFirst(LocalLimits.headerByteCount)) == body, "the keys come back otherwise")
}

private func checkAnswer(_ header: LocalHeader, _ body: [UInt8]) {
    let arenaByteCount = 1 << 20
    for index in 0..<min(header.count, 4) {
        if let lease = try? LocalLease(at: index, of: body.rawSpan, arenaByteCount: arenaByteCount) {
            require(lease.offset + lease.valueByteCount <= arenaByteCount, "a lease beyond the arena")
        }
        let room = try? LocalRoom(at: index, of: body.rawSpan, wanted: 4096, arenaByteCount: arenaByteCount)
        if let room, room.status == .ok {
            require(room.offset + 4096 <= arenaByteCount, "room beyond the arena")
        }
        _ = try? LocalNumbers.status(at: index, of: body.rawSpan)
    }
    _ = try? LocalStats(body: body.rawSpan)
    if let welcome = try? LocalWelcome(body: body.rawSpan) {
        require(welcome.arenaByteCount >= 0, "an arena of less than nothing")
    }
}
