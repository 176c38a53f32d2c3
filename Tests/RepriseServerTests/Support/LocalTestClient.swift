import RepriseCore
import RepriseWire
import Testing

@testable import RepriseServer

/// A client of the local protocol that has nothing mapped: it sends messages and reads their answers.
final class LocalTestClient {
    struct Answer {
        let header: LocalHeader
        let body: [UInt8]
    }

    private let client: TestClient
    private var lastIdentifier: UInt64 = 0
    let welcome: LocalWelcome

    /// Connects, and says hello; the descriptor that comes with the answer is left to the kernel to close.
    init(_ server: TestServer, session: UInt8 = 0) throws {
        client = try server.connect()
        try client.send(LocalHello(session: [UInt8](repeating: session, count: 16)).encoded(identifier: 0))
        welcome = try LocalWelcome(body: try Self.receive(client).body.rawSpan)
    }

    private static func receive(_ client: TestClient) throws -> Answer {
        let bytes = try client.receive(LocalLimits.headerByteCount)
        let header = try #require(try LocalHeader.decode(bytes.rawSpan))
        return Answer(header: header, body: try client.receive(header.bodyByteCount))
    }

    /// Sends what asks about keys, and returns the answer.
    func ask(
        _ operation: LocalOperation,
        _ keys: [StorageKey],
        flags: LocalHeader.Flags = [],
        argument: UInt64 = 0
    ) throws -> Answer {
        try send(operation, keys, flags: flags, argument: argument)
        return try receive()
    }

    /// Sends what asks about keys.
    func send(
        _ operation: LocalOperation,
        _ keys: [StorageKey],
        flags: LocalHeader.Flags = [],
        argument: UInt64 = 0,
        prefix: [UInt8] = []
    ) throws {
        var writer = LocalKeysWriter()
        for key in keys {
            let isTaken = writer.append(key.bytes.rawSpan)
            try #require(isTaken)
        }
        lastIdentifier += 1
        let identifier = lastIdentifier
        try client.send(
            writer.encoded(
                operation,
                identifier: identifier,
                flags: flags,
                argument: argument,
                prefix: prefix
            )
        )
    }

    /// The next answer, which must be the last request's.
    func receive() throws -> Answer {
        let answer = try Self.receive(client)
        #expect(answer.header.identifier == lastIdentifier)
        return answer
    }

    func acquire(_ keys: [StorageKey], lookup: UInt64 = 0) throws -> [LocalLease] {
        let body = try ask(.acquire, keys, argument: lookup).body
        return try keys.indices.map {
            try LocalLease(at: $0, of: body.rawSpan, arenaByteCount: welcome.arenaByteCount)
        }
    }

    func reserve(_ key: StorageKey, byteCount: Int) throws -> LocalRoom {
        try sendReserve(key, byteCount: byteCount)
        return try receiveRoom(byteCount: byteCount)
    }

    func sendReserve(_ key: StorageKey, byteCount: Int) throws {
        var prefix: [UInt8] = []
        LocalNumbers.append(UInt64(byteCount), to: &prefix)
        try send(.reserve, [key], prefix: prefix)
    }

    func receiveRoom(byteCount: Int) throws -> LocalRoom {
        let body = try receive().body
        return try LocalRoom(
            at: 0,
            of: body.rawSpan,
            wanted: UInt64(byteCount),
            arenaByteCount: welcome.arenaByteCount
        )
    }

    /// Commits, releases or abandons, and returns what became of the first number.
    func end(_ operation: LocalOperation, _ numbers: [UInt64]) throws -> LocalStatus {
        lastIdentifier += 1
        let flags: LocalHeader.Flags = operation == .commit ? [] : .wantsReply
        try client.send(LocalNumbers.encoded(operation, identifier: lastIdentifier, flags: flags, numbers))
        return try LocalNumbers.status(at: 0, of: try receive().body.rawSpan)
    }

    /// Stores a value of zeros, or whatever its room has.
    func store(_ key: StorageKey, byteCount: Int) throws {
        let room = try reserve(key, byteCount: byteCount)
        try #require(room.status == .ok)
        let status = try end(.commit, [room.identifier])
        try #require(status == .ok)
    }

    func exists(_ key: StorageKey) throws -> Bool {
        try LocalNumbers.status(at: 0, of: try ask(.exists, [key]).body.rawSpan) == .ok
    }
}
