import RepriseCore
import Testing

@testable import RepriseRemote

/// How often a connection is made, and a call done, without a socket.
@Suite struct ReconnectingTests {
    private struct FakeStream: RemoteStream, ~Copyable {
        var isOpen = true
        var deadline: ContinuousClock.Instant?
        mutating func close() { isOpen = false }
    }

    /// What connecting comes to, attempt by attempt.
    private final class Script {
        var attempts: [RemoteError?]
        var attemptCount = 0

        init(_ attempts: [RemoteError?]) { self.attempts = attempts }

        func connect() throws(RemoteError) -> FakeStream {
            attemptCount += 1
            if let error = attempts.isEmpty ? nil : attempts.removeFirst() { throw error }
            return FakeStream()
        }
    }

    private static let refused = RemoteError(.refused, "nobody listens")
    private static let closed = RemoteError(.closed, "the peer has closed")

    private func reconnecting(_ script: Script) -> Reconnecting<FakeStream> {
        Reconnecting { () throws(RemoteError) in try script.connect() }
    }

    @Test func `after a connection is lost there are two attempts to connect, and then an error`() throws {
        let script = Script([nil, Self.refused, Self.refused])
        var stream = reconnecting(script)
        try stream.perform { _ in }
        var callCount = 0
        var failure: RemoteError?
        do throws(RemoteError) {
            try stream.perform { (stream) throws(RemoteError) in
                callCount += 1
                stream.close()
                throw Self.closed
            }
        } catch {
            failure = error
        }
        #expect(failure?.code == .refused && callCount == 1 && script.attemptCount == 3)
        try stream.perform { _ in callCount += 1 }
        #expect(callCount == 2 && script.attemptCount == 4)
    }

    @Test func `a call on a new connection is not done again`() {
        let script = Script([])
        var stream = reconnecting(script)
        var callCount = 0
        try? stream.perform { (stream) throws(RemoteError) in
            callCount += 1
            stream.close()
            throw Self.closed
        }
        #expect(callCount == 1 && script.attemptCount == 1)
    }

    @Test(arguments: [RemoteError.Code.timedOut, .protocolViolation, .tooLarge])
    func `what is not a lost connection is not done again`(code: RemoteError.Code) throws {
        let script = Script([])
        var stream = reconnecting(script)
        try stream.perform { _ in }
        var callCount = 0
        try? stream.perform { (stream) throws(RemoteError) in
            callCount += 1
            stream.close()
            throw RemoteError(code, "")
        }
        #expect(callCount == 1 && script.attemptCount == 1)
        try stream.perform { _ in }
        #expect(script.attemptCount == 2)
    }
}
