internal import RepriseCore
internal import RepriseWire

/// What a RESP connection is about.
struct RESPSessionState {
    var decoder: RESPCommandDecoder
    var version = RESPVersion.two
    var isAuthenticated = false
    /// Long values of the command under way, by the place of their argument.
    var values: [Int: ReceivedValue] = [:]
    /// The place of the value that is arriving.
    var incomingValueIndex: Int?

    // What follows belongs to one call of `process`.
    var plans: [RESPSession.Plan] = []
    /// Replies written and not yet handed to the connection.
    var writtenReplyCount = 0
    var isLastTry = false
    var performedCommands: [CountedCommand] = []
    /// Where the command under way begins in the bytes.
    var commandStart = 0

    init(decoder: RESPCommandDecoder) {
        self.decoder = decoder
    }
}

// The state by its parts' names.
extension RESPSession {
    var decoder: RESPCommandDecoder {
        _read { yield state.value.decoder }
        _modify { yield &state.value.decoder }
    }

    var version: RESPVersion {
        _read { yield state.value.version }
        _modify { yield &state.value.version }
    }

    var isAuthenticated: Bool {
        _read { yield state.value.isAuthenticated }
        _modify { yield &state.value.isAuthenticated }
    }

    var values: [Int: ReceivedValue] {
        _read { yield state.value.values }
        _modify { yield &state.value.values }
    }

    var incomingValueIndex: Int? {
        _read { yield state.value.incomingValueIndex }
        _modify { yield &state.value.incomingValueIndex }
    }

    var plans: [Plan] {
        _read { yield state.value.plans }
        _modify { yield &state.value.plans }
    }

    var writtenReplyCount: Int {
        _read { yield state.value.writtenReplyCount }
        _modify { yield &state.value.writtenReplyCount }
    }

    var isLastTry: Bool {
        _read { yield state.value.isLastTry }
        _modify { yield &state.value.isLastTry }
    }

    var performedCommands: [CountedCommand] {
        _read { yield state.value.performedCommands }
        _modify { yield &state.value.performedCommands }
    }

    var commandStart: Int {
        _read { yield state.value.commandStart }
        _modify { yield &state.value.commandStart }
    }
}
