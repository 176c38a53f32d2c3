import Glibc
import RepriseCore
import RepriseNode
import RepriseRemote
import RepriseServer

/// A node of this process, served at a port of 127.0.0.1.
struct ServedNode {
    static let memoryByteCount = 64 << 20
    /// Below those that Linux gives to connections.
    static let ports: Range<UInt16> = 20_000..<30_000
    static let attemptCountMax = 20

    /// What it keeps, and what it knows of others.
    let node: Node
    /// Where it is served.
    let url: NodeURL
    private let server: Server

    /// Starts a node that takes part in a directory; at another port when one is taken.
    static func start(_ directory: RemoteURL) throws -> ServedNode {
        for _ in 1..<attemptCountMax {
            do {
                return try ServedNode(directory, port: .random(in: ports))
            } catch let error as ServerError where error.code == .addressInUse {
                continue
            }
        }
        return try ServedNode(directory, port: .random(in: ports))
    }

    /// A node tells others where it is served, so its port is chosen before it is made.
    private init(_ directory: RemoteURL, port: UInt16) throws {
        let host = "127.0.0.1"
        var configuration = NodeConfiguration(memoryByteCount: Self.memoryByteCount)
        configuration.lookup = LookupConfiguration(
            url: directory,
            holder: KeyHolder(host: host, port: port)
        )
        var serving = ServerConfiguration()
        serving.host = host
        serving.port = port
        url = .tcp(host: host, port: port)
        node = try Node(configuration)
        do {
            server = try Server(serving, backend: node.server)
        } catch {
            node.close()
            throw error
        }
    }

    /// Waits until the directory says that another node has a key; `false` when it does not in time.
    func waitForHolder(of key: StorageKey, atMost time: Duration) -> Bool {
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end {
            if node.directory?.holders(of: key).isEmpty == false { return true }
            usleep(10_000)
        }
        return false
    }

    /// Ends the transfers in flight, takes the node's entries out of the directory and closes it.
    func stop() {
        server.drain()
        server.waitUntilStopped()
        node.close()
    }
}
