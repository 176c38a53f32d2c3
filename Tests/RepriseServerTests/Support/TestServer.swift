import Glibc
import RepriseCore
import RepriseNode
import RepriseWire
import Testing

@testable import RepriseServer

/// A server on a port that the system chose, or on a Unix socket in a folder of its own; stopped in the end.
final class TestServer: Sendable {
    let node: Node
    let server: Server
    private let folder: TemporaryFolder?

    /// Starts a server.
    ///
    /// - Parameter isUnix: Whether to serve a Unix socket instead of TCP.
    init(
        memoryByteCount: Int = 16 << 20,
        threadCount: Int = 1,
        isUnix: Bool = false,
        calls: any SocketCalls = SystemSocketCalls(),
        limits: ServerLimits = ServerLimits(),
        backend: (any LMSBackend)? = nil
    ) throws {
        node = try Node(NodeConfiguration(memoryByteCount: memoryByteCount))
        folder = isUnix ? TemporaryFolder() : nil
        var configuration = ServerConfiguration()
        configuration.host = isUnix ? nil : "127.0.0.1"
        configuration.port = 0
        configuration.unixPath = folder.map { $0.path + "/s" }
        configuration.threadCount = threadCount
        configuration.limits = limits
        server = try Server(configuration, backend: backend ?? node.server, calls: calls)
    }

    deinit {
        server.stop()
        server.waitUntilStopped()
    }

    /// Connects to the server.
    func connect(_ dialect: LMDialect = .current, receiveBufferByteCount: Int32? = nil) throws -> TestClient {
        if let path = server.endpoints.unixPath { return try TestClient(unixPath: path, dialect: dialect) }
        let port = try #require(server.endpoints.port)
        return try TestClient(port: port, dialect: dialect, receiveBufferByteCount: receiveBufferByteCount)
    }

    /// One of the statistics.
    func statistic(_ name: String) -> Int {
        for line in server.statisticsText.split(separator: "\n") where line.hasPrefix(name + " ") {
            return Int(line.dropFirst(name.count + 1)) ?? -1
        }
        Issue.record("no statistic '\(name)'")
        return -1
    }

    /// PUTs that were dropped for a reason.
    func dropped(_ reason: String) -> Int { statistic("reprise_puts_dropped_total{reason=\"\(reason)\"}") }

    /// Connections that were closed for a reason.
    func closed(_ reason: String) -> Int {
        statistic("reprise_connections_closed_total{reason=\"\(reason)\"}")
    }

    /// Waits until a condition holds; records an issue when it does not for long.
    func wait(_ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, until condition: () -> Bool)
    {
        let deadline = ContinuousClock.now + .seconds(30)
        while !condition() {
            guard ContinuousClock.now < deadline else {
                Issue.record("waited in vain: \(what)", sourceLocation: sourceLocation)
                return
            }
            usleep(500)
        }
    }

    /// Waits until a statistic has a value.
    func wait(_ name: String, is value: Int, sourceLocation: SourceLocation = #_sourceLocation) {
        wait("\(name) is \(statistic(name)), not \(value)", sourceLocation: sourceLocation) {
            statistic(name) == value
        }
    }

    /// Checks, once every client has gone, that nothing but the stored values is in use.
    func expectNothingLeaked(sourceLocation: SourceLocation = #_sourceLocation) {
        wait("reprise_connections", is: 0, sourceLocation: sourceLocation)
        wait("reprise_memory_reserved_bytes", is: 0, sourceLocation: sourceLocation)
        wait("reprise_reply_held_bytes", is: 0, sourceLocation: sourceLocation)
        let statistics = node.server.statistics
        #expect(statistics.usedByteCount == statistics.store.entryByteCount, sourceLocation: sourceLocation)
        #expect(node.server.isConsistent == true, sourceLocation: sourceLocation)
    }
}

/// A folder that is removed, with the files in it, when it is let go of.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/reprise-XXXXXX".utf8CString)
        // SAFETY: the template ends with a zero and is written in place.
        let isMade = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) != nil }
        precondition(isMade, "no temporary folder can be made")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        // SAFETY: paths are strings that outlive the calls.
        for name in ["s", "s2", "file"] { unsafe unlink(path + "/" + name) }
        unsafe rmdir(path)
    }
}
