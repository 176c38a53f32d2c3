import RepriseCore
import RepriseWire

/// Fuzzes what reads a RESP client's commands: four bytes tell how they arrive, the rest is a connection's
/// whole stream.
///
/// Nothing may trap, whatever the bytes; what is read must not depend on how they arrive, and must stay
/// within the limits.
@c(LLVMFuzzerTestOneInput)
public func fuzzRESP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input has `count` bytes and outlives the call.
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    guard bytes.count > 4 else { return 0 }
    let arrival = Arrival(
        isAuthenticated: bytes[0] & 1 == 0,
        isRestarted: bytes[0] & 2 != 0,
        accepted: bytes[1],
        sizes: [Int(bytes[2]) + 1, Int(bytes[3]) + 1]
    )
    let stream = Array(bytes[4...])
    var atOnce = arrival
    atOnce.sizes = [stream.count]
    atOnce.isRestarted = false
    let whole = Client(atOnce).outcome(of: stream)
    var byBytes = arrival
    byBytes.sizes = [1]
    for pieces in [arrival, byBytes] {
        let outcome = Client(pieces).outcome(of: stream)
        require(outcome == whole, "\(outcome) in pieces of \(pieces.sizes) bytes, but \(whole) at once")
    }
    return 0
}

/// Ends the process with a message, which `precondition` keeps to itself where code is optimised.
private func require(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fatalError(message()) }
}

/// How a stream is fed, and what is decided about it.
private struct Arrival {
    /// Whether the client is spared the tighter limits from the first command on, else from the third.
    var isAuthenticated: Bool
    /// Whether each piece has the command decoded anew where that is possible.
    var isRestarted: Bool
    /// Which announced values are taken out rather than kept, a bit for each place.
    var accepted: UInt8
    /// How many bytes arrive at a time, in turn.
    var sizes: [Int]
}

/// An argument's bytes, or the length of one that was taken out.
private enum Argument: Equatable {
    case kept([UInt8])
    case announced(byteCount: Int)
}

/// What a stream came to.
private struct Outcome: Equatable {
    var commands: [[Argument]] = []
    var emptyByteCount = 0
    /// The bytes of all values that were taken out.
    var values: [UInt8] = []
    var isAmidCommand = false
    var error: WireError?
}

private struct Client {
    static let limits = {
        var limits = RESPLimits()
        limits.lineByteCountMax = 32
        limits.argumentCountMax = 12
        limits.unannouncedByteCountMax = 16
        limits.keptArgumentByteCountMax = 64
        limits.commandByteCountMax = 160
        limits.unauthenticatedArgumentCountMax = 4
        limits.unauthenticatedArgumentByteCountMax = 24
        return limits
    }()

    private let arrival: Arrival
    private var decoder = RESPCommandDecoder(limits: Client.limits)
    private var pending: [UInt8] = []
    private var valueByteCount = 0
    private var hasTakenValue = false
    private var outcome = Outcome()

    init(_ arrival: Arrival) {
        self.arrival = arrival
        decoder.isAuthenticated = arrival.isAuthenticated
    }

    consuming func outcome(of stream: [UInt8]) -> Outcome {
        var (position, turn) = (0, 0)
        while position < stream.count, outcome.error == nil {
            let end = min(position + arrival.sizes[turn % arrival.sizes.count], stream.count)
            pending += stream[position..<end]
            (position, turn) = (end, turn + 1)
            if arrival.isRestarted, !hasTakenValue { decoder.finish() }
            while takeValue(), step() {}
        }
        outcome.isAmidCommand = decoder.isAmidCommand
        return outcome
    }

    /// Receives what has arrived of a value that was taken out; returns whether that is all of it.
    private mutating func takeValue() -> Bool {
        let taken = min(valueByteCount, pending.count)
        outcome.values += pending.prefix(taken)
        pending.removeFirst(taken)
        valueByteCount -= taken
        return valueByteCount == 0
    }

    /// Takes one step; returns whether there may be another one.
    private mutating func step() -> Bool {
        // A copy of its own, so that AddressSanitizer sees a read behind its end.
        let received = Array(pending)
        guard let step = decode(received) else { return false }
        switch step {
        case .needsBytes:
            checkBuffered()
            return false
        case .empty(let byteCount):
            require((1...received.count).contains(byteCount), "skip \(byteCount) of \(received.count) bytes")
            require(!decoder.isAmidCommand && decoder.arguments.isEmpty, "amid an empty command")
            outcome.emptyByteCount += byteCount
            pending.removeFirst(byteCount)
        case .value(let byteCount, let announced):
            require(decode(received) == step, "\(step) is not repeated")
            decide(received, byteCount: byteCount, valueByteCount: announced)
        case .command(let byteCount):
            require(decode(received) == step, "\(step) is not repeated")
            finish(received, byteCount: byteCount)
        }
        return true
    }

    private mutating func decode(_ received: [UInt8]) -> RESPCommandDecoder.Step? {
        do throws(WireError) {
            return try decoder.decode(received.rawSpan)
        } catch {
            outcome.error = error
            return nil
        }
    }

    /// What a client can have the server keep before it is told that the command is too long.
    private func checkBuffered() {
        let byteCount = decoder.heldBytes.count + pending.count
        let limit = Self.limits.commandByteCountMax + Self.limits.lineByteCountMax + 4
        require(byteCount <= limit, "waits for more than \(byteCount) bytes")
        require(
            decoder.arguments.count <= Self.limits.argumentCountMax,
            "\(decoder.arguments.count) arguments"
        )
    }

    private mutating func decide(_ received: [UInt8], byteCount: Int, valueByteCount announced: Int) {
        let limits = Self.limits
        require((1...received.count).contains(byteCount), "a value behind \(byteCount) bytes")
        require(announced > limits.unannouncedByteCountMax, "a value of \(announced) bytes is announced")
        require(announced <= RESPCommandDecoder.argumentByteCountMax, "a value of \(announced) bytes")
        require(
            decoder.isAuthenticated || announced <= limits.unauthenticatedArgumentByteCountMax,
            "an unauthenticated value of \(announced) bytes"
        )
        require(decoder.isAmidCommand, "a value outside of a command")
        _ = arguments(in: received, byteCount: byteCount)
        // By its place, so that it is decided alike when the command is decoded anew.
        let place = outcome.commands.count + decoder.arguments.count
        if announced <= limits.keptArgumentByteCountMax, arrival.accepted >> (place % 8) & 1 == 0 {
            decoder.keepArgument()
            return
        }
        decoder.acceptValue(in: received.rawSpan)
        require(decoder.arguments.last == .announced(byteCount: announced), "\(decoder.arguments)")
        hasTakenValue = true
        pending.removeFirst(byteCount)
        valueByteCount = announced
    }

    private mutating func finish(_ received: [UInt8], byteCount: Int) {
        require((1...received.count).contains(byteCount), "a command of \(byteCount) bytes")
        require(decoder.isAmidCommand, "a command is complete before it was taken")
        let command = arguments(in: received, byteCount: byteCount)
        require(!command.isEmpty, "a command without a name")
        require(
            hasTakenValue == command.contains { if case .announced = $0 { true } else { false } },
            "\(command) has lost a value"
        )
        checkSizes(command, isInline: !hasTakenValue && received[0] != UInt8(ascii: "*"))
        checkEncoded(command)
        decoder.finish()
        require(!decoder.isAmidCommand && decoder.arguments.isEmpty && decoder.heldBytes.isEmpty, "not ended")
        hasTakenValue = false
        pending.removeFirst(byteCount)
        outcome.commands.append(command)
        if outcome.commands.count == 2 { decoder.isAuthenticated = true }
    }

    private func checkSizes(_ command: [Argument], isInline: Bool) {
        let limits = Self.limits
        let argumentByteCountMax = isInline ? limits.lineByteCountMax : limits.keptArgumentByteCountMax
        let countMax =
            decoder.isAuthenticated ? limits.argumentCountMax : limits.unauthenticatedArgumentCountMax
        require(isInline || command.count <= countMax, "\(command.count) arguments")
        var keptByteCount = 0
        for case .kept(let bytes) in command {
            require(bytes.count <= argumentByteCountMax, "an argument of \(bytes.count) bytes is kept")
            keptByteCount += bytes.count
        }
        require(
            keptByteCount <= (isInline ? limits.lineByteCountMax : limits.commandByteCountMax),
            "\(keptByteCount) bytes are kept"
        )
    }

    /// The arguments so far, which lie one behind another within the bytes they are said to lie in.
    private func arguments(in received: [UInt8], byteCount: Int) -> [Argument] {
        let bytes = decoder.isHeld ? decoder.heldBytes : Array(received.prefix(byteCount))
        // Those behind a value that was taken out are not held before the command is complete.
        let all = decoder.isHeld ? max(bytes.count, received.count) : bytes.count
        var end = 0
        var isBehindValue = false
        return decoder.arguments.map { argument in
            switch argument {
            case .announced(let byteCount):
                isBehindValue = true
                return .announced(byteCount: byteCount)
            case .kept(let offset, let byteCount):
                require(offset >= 0 && byteCount >= 0 && offset + byteCount <= all, "\(argument) of \(all)")
                require(offset >= end || isBehindValue, "\(argument) begins before \(end)")
                end = offset + byteCount
                guard end <= bytes.count else { return .kept([]) }
                return .kept(Array(bytes[offset..<end]))
            }
        }
    }

    /// A command that was kept as a whole must come back from an array of its arguments.
    private func checkEncoded(_ command: [Argument]) {
        var encoded = Array("*\(command.count)\r\n".utf8)
        for argument in command {
            guard case .kept(let bytes) = argument else { return }
            encoded += Array("$\(bytes.count)\r\n".utf8) + bytes + Array("\r\n".utf8)
        }
        var again = Client(Arrival(isAuthenticated: true, isRestarted: false, accepted: 0, sizes: [1]))
        again.decoder = RESPCommandDecoder()
        let step = again.decode(encoded)
        require(step == .command(byteCount: encoded.count), "\(String(describing: step)) of \(command)")
        let arguments = again.arguments(in: encoded, byteCount: encoded.count)
        require(arguments == command, "\(arguments) instead of \(command)")
    }
}
