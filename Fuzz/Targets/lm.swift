import RepriseCore
import RepriseWire

/// Fuzzes what reads `lm://`: the input is taken for a connection's requests, for a reply, and for metadata.
///
/// Nothing may trap, whatever the bytes; what is read must not depend on how they arrive, and must come back
/// from bytes of its own.
@c(LLVMFuzzerTestOneInput)
public func fuzzLM(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input has `count` bytes and outlives the call.
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    checkRequests(bytes)
    for dialect in LMDialect.allCases { checkReply(bytes, dialect) }
    for groupCount in 1...3 { checkMetadata(bytes, groupCount) }
    return 0
}

/// Ends the process with a message, which `precondition` keeps to itself where code is optimised.
private func require(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fatalError(message()) }
}

private enum Result: Equatable {
    case step(LMRequestDecoder.Step)
    case error(WireError)
}

private func decode(_ decoder: inout LMRequestDecoder, _ bytes: ArraySlice<UInt8>) -> Result {
    // A copy of its own, so that AddressSanitizer sees a read behind its end.
    let received = Array(bytes)
    do throws(WireError) {
        return .step(try decoder.decode(received.rawSpan))
    } catch {
        return .error(error)
    }
}

private func checkRequests(_ bytes: [UInt8]) {
    var whole = LMRequestDecoder()
    var byBytes = LMRequestDecoder()
    var rest = bytes[...]
    while true {
        let dialect = whole.dialect
        let result = decode(&whole, rest)
        require(dialect == nil || whole.dialect == dialect, "the dialect changed")
        checkByteByByte(&byBytes, rest, result)
        switch result {
        case .error: return
        case .step(.needsBytes(let count)):
            require(count > rest.count && count <= 186, "asks for \(count) of \(rest.count) bytes")
            return
        case .step(.request(let request, let headerByteCount)):
            guard let dialect = whole.dialect else { fatalError("a request without a dialect") }
            require(byBytes.dialect == dialect, "byte by byte it is \(byBytes.dialect, default: "none")")
            require(headerByteCount == dialect.requestHeaderByteCount, "a header of \(headerByteCount) bytes")
            check(request, dialect)
            guard rest.count - headerByteCount >= request.payloadByteCount else { return }
            rest = rest.dropFirst(headerByteCount + request.payloadByteCount)
        }
    }
}

/// Each shorter part must ask for more, or end in the error that the whole ends in.
private func checkByteByByte(_ decoder: inout LMRequestDecoder, _ bytes: ArraySlice<UInt8>, _ whole: Result) {
    for count in 0...min(bytes.count, 186) {
        let part = decode(&decoder, bytes.prefix(count))
        if case .step(.needsBytes(let needed)) = part {
            require(needed > count, "asks for \(needed) of \(count) bytes")
            require(count < bytes.count || part == whole, "\(part), but \(whole) of all")
        } else {
            require(part == whole, "\(part) of \(count) bytes, but \(whole) of all")
            return
        }
    }
}

private func check(_ request: LMRequest, _ dialect: LMDialect) {
    let key = request.key.bytes
    require(!key.isEmpty || !request.command.needsKey, "\(request.command) without a key")
    require(key.count <= LMLimits.keyByteCountMax, "a key of \(key.count) bytes")
    require(String(validating: key, as: UTF8.self) != nil, "the key \(key) is not UTF-8")
    let hasPayload = request.payloadByteCount != 0
    require(request.payloadByteCount >= 0 && (request.command == .put || !hasPayload), "\(request)")
    var decoder = LMRequestDecoder(dialect: dialect)
    let again = decode(&decoder, request.encoded(dialect: dialect)[...])
    require(again == .step(.request(request, headerByteCount: dialect.requestHeaderByteCount)), "\(again)")
    _ = request.payloadAgreesWithShape
    _ = try? dialect.shape(of: request.metadata)
    // What a client is allowed to send, a server must be able to tell.
    let byClient = try? LMRequest(
        request.command,
        key: request.key,
        metadata: request.metadata,
        payloadByteCount: request.payloadByteCount
    )
    guard let byClient else { return }
    require(byClient == request, "\(byClient) instead of \(request)")
    for other in LMDialect.allCases {
        require(LMDialect.detect(byClient.encoded(dialect: other).rawSpan) == other, "\(other) is mistaken")
    }
}

private func checkReply(_ bytes: [UInt8], _ dialect: LMDialect) {
    guard let reply = try? LMReplyHeader.decode(bytes.rawSpan, dialect: dialect) else { return }
    _ = reply.payloadAgreesWithShape
    _ = try? dialect.shape(of: reply.metadata)
    let encoded = reply.encoded(dialect: dialect)
    require(encoded.count == dialect.replyHeaderByteCount, "a reply of \(encoded.count) bytes")
    // All but the location, which is not kept.
    require(encoded.prefix(32) == bytes.prefix(min(32, encoded.count)), "the reply does not come back")
}

private func checkMetadata(_ bytes: [UInt8], _ groupCount: Int) {
    guard let metadata = try? RemoteMetadata.decode(bytes.rawSpan, groupCount: groupCount) else { return }
    guard let encoded = try? metadata.encoded() else { fatalError("\(metadata) cannot be encoded") }
    require(encoded.count == RemoteMetadata.byteCount(groupCount: groupCount), "\(encoded.count) bytes")
    let again = try? RemoteMetadata.decode(encoded.rawSpan, groupCount: groupCount)
    require(again == metadata, "\(metadata) comes back as \(String(describing: again))")
}
