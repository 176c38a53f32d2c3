import RepriseCore
import RepriseWire

/// Plays a server's receiving side: collects pieces, and takes announced values past the decoder or keeps
/// them.
struct RESPCommandFeeder {
    /// One argument as it came.
    enum Argument: Hashable {
        case kept([UInt8])
        case value([UInt8])
    }

    /// What a stream came to.
    struct Outcome: Hashable {
        var commands: [[Argument]] = []
        var error: WireError?

        /// The commands' arguments as text.
        var texts: [[String]] {
            commands.map { command in
                command.map { argument in
                    switch argument {
                    case .kept(let bytes): String(decoding: bytes, as: UTF8.self)
                    case .value(let bytes): "value:" + String(decoding: bytes, as: UTF8.self)
                    }
                }
            }
        }
    }

    private var decoder: RESPCommandDecoder
    private let keepsValues: Bool
    private var pending: [UInt8] = []
    /// Bytes of an accepted value that are to come.
    private var restByteCount = 0
    private var values: [[UInt8]] = []
    private(set) var outcome = Outcome()

    init(limits: RESPLimits = RESPLimits(), isAuthenticated: Bool = true, keepsValues: Bool = false) {
        decoder = RESPCommandDecoder(limits: limits)
        decoder.isAuthenticated = isAuthenticated
        self.keepsValues = keepsValues
    }

    /// Whether nothing is under way.
    var isAtStart: Bool { !decoder.isAmidCommand && pending.isEmpty }

    /// Receives one piece.
    mutating func feed(_ piece: some Sequence<UInt8>) {
        pending += piece
        do throws(WireError) {
            while outcome.error == nil, try step() {}
        } catch {
            outcome.error = error
        }
    }

    /// Does what comes next; `false` when bytes are missing.
    private mutating func step() throws(WireError) -> Bool {
        if restByteCount > 0 {
            let taken = pending.prefix(restByteCount)
            values[values.count - 1] += taken
            restByteCount -= taken.count
            pending.removeFirst(taken.count)
            guard restByteCount == 0 else { return false }
        }
        let received = pending
        switch try decoder.decode(received.rawSpan) {
        case .needsBytes: return false
        case .empty(let byteCount): pending.removeFirst(byteCount)
        case .command(let byteCount):
            outcome.commands.append(arguments(in: received))
            pending.removeFirst(byteCount)
            decoder.finish()
            values = []
        case .value(let byteCount, let valueByteCount):
            guard !keepsValues else {
                decoder.keepArgument()
                break
            }
            decoder.acceptValue(in: received.rawSpan)
            pending.removeFirst(byteCount)
            values.append([])
            restByteCount = valueByteCount
        }
        return true
    }

    private func arguments(in received: [UInt8]) -> [Argument] {
        var values = values[...]
        let bytes = decoder.isHeld ? decoder.heldBytes : received
        return decoder.arguments.map { argument in
            guard case .kept(let offset, let byteCount) = argument else {
                return .value(values.popFirst() ?? [])
            }
            return .kept(Array(bytes[offset..<(offset + byteCount)]))
        }
    }
}
