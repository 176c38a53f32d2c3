import RepriseCore
import RepriseWire

/// Fuzzes what reads a RESP server's replies: the input is taken for a connection's whole stream.
///
/// Nothing may trap, whatever the bytes, and what is read must not depend on how they arrive.
@c(LLVMFuzzerTestOneInput)
public func fuzzRESPReply(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input has `count` bytes and outlives the call.
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    for announcesPayloads in [false, true] {
        let whole = outcome(bytes, pieceByteCount: max(bytes.count, 1), announcesPayloads)
        for pieceByteCount in [1, 2, 7] {
            let pieces = outcome(bytes, pieceByteCount: pieceByteCount, announcesPayloads)
            require(pieces == whole, "\(pieces) in pieces of \(pieceByteCount) bytes, but \(whole) at once")
        }
    }
    return 0
}

/// Ends the process with a message, which `precondition` keeps to itself where code is optimised.
private func require(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fatalError(message()) }
}

/// What a stream came to; as text, since not-a-number is not equal to itself.
private struct Outcome: Equatable {
    var replies: [String] = []
    var payloadByteCounts: [Int] = []
    var error: WireError?
}

private func outcome(_ bytes: [UInt8], pieceByteCount: Int, _ announcesPayloads: Bool) -> Outcome {
    var limits = RESPReplyLimits()
    limits.lineByteCountMax = 64
    limits.replyByteCountMax = 512
    limits.elementCountMax = 32
    limits.nestingDepthMax = 4
    var decoder = RESPReplyDecoder(limits: limits)
    var (pending, outcome) = ([UInt8](), Outcome())
    var payloadByteCount = 0
    for start in stride(from: 0, to: bytes.count, by: pieceByteCount) {
        pending += bytes[start..<min(start + pieceByteCount, bytes.count)]
        while outcome.error == nil {
            let taken = min(payloadByteCount, pending.count)
            pending.removeFirst(taken)
            payloadByteCount -= taken
            guard payloadByteCount == 0 else { break }
            // A copy of its own, so that AddressSanitizer sees a read behind its end.
            let received = Array(pending)
            guard decode(&decoder, received, announcesPayloads, &pending, &outcome, &payloadByteCount) else {
                break
            }
        }
    }
    return outcome
}

/// Takes one step; returns whether there may be another one.
private func decode(
    _ decoder: inout RESPReplyDecoder,
    _ received: [UInt8],
    _ announcesPayloads: Bool,
    _ pending: inout [UInt8],
    _ outcome: inout Outcome,
    _ payloadByteCount: inout Int
) -> Bool {
    var offset = 0
    do throws(WireError) {
        let step = try decoder.decode(received.rawSpan, from: &offset, announcingPayload: announcesPayloads)
        pending.removeFirst(offset)
        switch step {
        case .needsBytes(let count):
            require(count > pending.count, "asks for \(count) of \(pending.count) bytes")
            return false
        case .reply(let value): outcome.replies.append("\(value)")
        case .payload(let byteCount):
            require(announcesPayloads, "an announcement that nobody asked for")
            outcome.payloadByteCounts.append(byteCount)
            payloadByteCount = byteCount
        case .payloadEnd: outcome.replies.append("payload")
        }
        return true
    } catch {
        outcome.error = error
        return false
    }
}
