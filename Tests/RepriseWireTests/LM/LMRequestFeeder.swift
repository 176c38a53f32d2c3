import RepriseCore
import RepriseWire
import Testing

/// Plays a server's receiving side: collects pieces, and decodes only when as many bytes are there as were
/// asked for.
struct LMRequestFeeder {
    /// A request and the payload behind it.
    struct Message: Hashable {
        let request: LMRequest
        let payload: [UInt8]
    }

    /// What a stream came to.
    struct Outcome: Hashable {
        var messages: [Message] = []
        var error: WireError?
        var dialect: LMDialect?
    }

    private var decoder = LMRequestDecoder()
    private var pending: [UInt8] = []
    private var neededByteCount = 1
    private(set) var outcome = Outcome()

    /// Receives one piece.
    mutating func feed(_ piece: some Sequence<UInt8>) {
        pending += piece
        while outcome.error == nil, pending.count >= neededByteCount, !pending.isEmpty {
            do throws(WireError) {
                try step()
            } catch {
                outcome.error = error
            }
        }
    }

    private mutating func step() throws(WireError) {
        defer { outcome.dialect = decoder.dialect }
        let received = pending
        let step = try decoder.decode(received.rawSpan)
        switch step {
        case .needsBytes(let count):
            #expect(count > pending.count, "the decoder asks for bytes that it has")
            neededByteCount = max(count, pending.count + 1)
        case .request(let request, let headerByteCount):
            #expect(headerByteCount == decoder.dialect?.requestHeaderByteCount)
            let end = headerByteCount + request.payloadByteCount
            guard pending.count >= end else {
                neededByteCount = end
                return
            }
            let payload = Array(pending[headerByteCount..<end])
            outcome.messages.append(Message(request: request, payload: payload))
            pending.removeFirst(end)
            neededByteCount = 1
        }
    }

    /// Decodes a stream that arrives in one piece.
    static func outcome(of stream: [UInt8]) -> Outcome {
        outcome(ofPieces: [stream[...]])
    }

    private static func outcome(ofPieces pieces: [ArraySlice<UInt8>]) -> Outcome {
        var feeder = LMRequestFeeder()
        for piece in pieces { feeder.feed(piece) }
        return feeder.outcome
    }

    /// Expects a stream to come to the same in one piece, byte by byte, and cut in two anywhere; returns to
    /// what.
    static func verify(_ stream: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) -> Outcome {
        let whole = outcome(of: stream)
        let byBytes = outcome(ofPieces: stream.indices.map { stream[$0...$0] })
        #expect(byBytes == whole, "byte by byte", sourceLocation: sourceLocation)
        for cut in stream.indices {
            let halves = outcome(ofPieces: [stream[..<cut], stream[cut...]])
            #expect(halves == whole, "cut at \(cut)", sourceLocation: sourceLocation)
        }
        return whole
    }
}
