import RepriseCore
import RepriseNode
import RepriseServer

/// A node in this process, at a port that the system chose.
final class TestNode: Sendable {
    /// Where it listens.
    let port: UInt16
    private let node: Node
    private let server: Server

    struct NoPort: Error {}

    init(port: UInt16 = 0, memoryByteCount: Int = 32 << 20) throws {
        node = try Node(NodeConfiguration(memoryByteCount: memoryByteCount))
        var configuration = ServerConfiguration()
        configuration.host = "127.0.0.1"
        configuration.port = port
        configuration.threadCount = 1
        server = try Server(configuration, backend: node.server)
        guard let port = server.endpoints.port else { throw NoPort() }
        self.port = port
    }

    deinit { stop() }

    func stop() {
        server.stop()
        server.waitUntilStopped()
    }
}
