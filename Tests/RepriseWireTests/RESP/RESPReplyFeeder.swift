import RepriseCore
import RepriseWire
import Testing

/// Plays a client's receiving side: collects pieces, decodes when as many bytes are there as were asked for,
/// and takes announced payloads past the decoder.
struct RESPReplyFeeder {
    /// What a stream came to.
    struct Outcome: Hashable {
        var replies: [RESPValue] = []
        var payloads: [[UInt8]] = []
        var error: WireError?
    }

    private var decoder: RESPReplyDecoder
    private let announcesPayloads: Bool
    private var pending: [UInt8] = []
    private var neededByteCount = 1
    private var payloadByteCount: Int?
    private(set) var outcome = Outcome()

    init(limits: RESPReplyLimits = RESPReplyLimits(), announcesPayloads: Bool = false) {
        decoder = RESPReplyDecoder(limits: limits)
        self.announcesPayloads = announcesPayloads
    }

    /// Whether no reply is under way.
    var isAtStart: Bool { decoder.isAtStart && pending.isEmpty && payloadByteCount == nil }

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
        if let byteCount = payloadByteCount {
            outcome.payloads.append(Array(pending[..<byteCount]))
            pending.removeFirst(byteCount)
            (payloadByteCount, neededByteCount) = (nil, 1)
            return
        }
        let received = pending
        var offset = 0
        let step = try decoder.decode(
            received.rawSpan,
            from: &offset,
            announcingPayload: announcesPayloads
        )
        pending.removeFirst(offset)
        switch step {
        case .needsBytes(let count):
            #expect(count > pending.count, "the decoder asks for bytes that it has")
            neededByteCount = max(count, pending.count + 1)
        case .payload(let byteCount):
            payloadByteCount = byteCount
            neededByteCount = byteCount
            // An empty payload is there already.
            if byteCount == 0 { try self.step() }
        case .payloadEnd: neededByteCount = 1
        case .reply(let value):
            outcome.replies.append(value)
            neededByteCount = 1
        }
    }

    private static func outcome(ofPieces pieces: [ArraySlice<UInt8>], _ feeder: RESPReplyFeeder) -> Outcome {
        var feeder = feeder
        for piece in pieces { feeder.feed(piece) }
        if feeder.outcome.error == nil { #expect(feeder.isAtStart, "the stream ends within a reply") }
        return feeder.outcome
    }

    /// Expects a stream to come to the same in one piece, byte by byte, and cut in two anywhere; returns to
    /// what.
    static func verify(
        _ text: String,
        _ feeder: RESPReplyFeeder = RESPReplyFeeder(),
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> Outcome {
        let stream = Array(text.utf8)
        let whole = outcome(ofPieces: [stream[...]], feeder)
        let byBytes = outcome(ofPieces: stream.indices.map { stream[$0...$0] }, feeder)
        #expect(byBytes == whole, "byte by byte", sourceLocation: sourceLocation)
        for cut in stream.indices {
            let halves = outcome(ofPieces: [stream[..<cut], stream[cut...]], feeder)
            #expect(halves == whole, "cut at \(cut)", sourceLocation: sourceLocation)
        }
        return whole
    }
}
