import RepriseCore
import RepriseNode
import RepriseServer

/// A node in this process, at a port that the system chose.
final class TestNode: Sendable {
    /// Where it listens.
    let port: UInt16
    let node: Node
    private let server: Server

    struct NoPort: Error {}

    /// - Parameter change: Changes what the node is made from.
    init(
        port: UInt16 = 0,
        memoryByteCount: Int = 32 << 20,
        _ change: (inout NodeConfiguration) -> Void = { _ in }
    ) throws {
        var nodeConfiguration = NodeConfiguration(memoryByteCount: memoryByteCount)
        change(&nodeConfiguration)
        node = try Node(nodeConfiguration)
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
        node.close()
    }

    /// Lets nobody in any more, and keeps its entries in the directory, as a node that hangs.
    func stopServing() {
        server.stop()
        server.waitUntilStopped()
    }
}
