import Glibc
import RepriseCore
import RepriseNode
import RepriseRemote
import RepriseWire

/// Two nodes that find each other's values through a lookup directory in a Redis or Valkey.
///
///     swift run --package-path Examples TwoNodes [REDIS_URL]
///
/// The URL is `redis://127.0.0.1:6379` unless another one is given. Both nodes run in this process and are
/// reached over TCP, as they would be on two machines. A value is put at the first one and got from the
/// second, twice: the second node asks the directory who has it, fetches it from the first, and has it itself
/// from then on. It prints each step, and what the second node counted.
///
/// Exit status: 0; 1 when the value did not come as it was put; 64 for a URL that is none of a Redis; 69 when
/// no Redis answers there.
@main
struct TwoNodes {
    static let key: StorageKey = "example-model@1@0@2b763dd00afa89c8@bfloat16"
    static let dimensions = [2, 4, 256, 128]

    static func main() {
        let text = CommandLine.arguments.dropFirst().first ?? "redis://127.0.0.1:6379"
        do {
            let url = try RemoteURL(parsing: text)
            guard case .resp(let place, _) = url.store else {
                end(EX_USAGE, "the directory is in one Redis or Valkey: redis://host:port")
            }
            do throws(RemoteError) {
                var redis = try RESPConnection(connectingTo: place.with(url.credentials))
                try redis.ping()
            } catch {
                end(EX_UNAVAILABLE, "no Redis answers: \(error.message)")
            }
            let isGood = try share(through: url)
            exit(isGood ? EXIT_SUCCESS : EXIT_FAILURE)
        } catch let error as RemoteError where error.code == .invalidURL {
            end(EX_USAGE, error.message)
        } catch {
            end(EXIT_FAILURE, "\(error)")
        }
    }

    /// Puts a value at one node and gets it from another; whether it came as it was put.
    private static func share(through directory: RemoteURL) throws -> Bool {
        let (first, second) = (try ServedNode.start(directory), try ServedNode.start(directory))
        defer {
            second.stop()
            first.stop()
        }
        print("two nodes, at \(first.url) and \(second.url)")

        let byteCount = dimensions.reduce(DType.bfloat16.byteCount, *)
        let value = (0..<byteCount).map { UInt8($0 % 251) }
        try put(value, at: first)
        print("put \(value.count) bytes at the first")
        guard second.waitForHolder(of: key, atMost: .seconds(10)) else {
            print("the directory did not hear of it within 10 s")
            return false
        }
        print("the directory knows that the first has them")

        let isFetched = try get(from: second) == value
        print("got them from the second: \(isFetched ? "the same" : "OTHER BYTES")")
        let isKept = try get(from: second) == value
        print("and once more: \(isKept ? "the same" : "OTHER BYTES")")
        if let peers = second.node.peers?.statistics {
            print(
                "the second asked its peers: \(peers.hitCount) found, \(peers.missCount) missed, "
                    + "\(peers.staleCount) no longer there, \(peers.readByteCount) bytes read"
            )
        }
        return isFetched && isKept
    }

    private static func put(_ value: [UInt8], at node: ServedNode) throws {
        var connection = try LMConnection(connectingTo: node.url)
        let metadata = try LMDialect.current.wireMetadata(
            dimensions: dimensions,
            dtype: .bfloat16,
            format: .kv2LTD
        )
        try connection.put(key, value.rawSpan, metadata: metadata)
        // A put has no reply; the answer to this comes after it.
        _ = try connection.exists(key)
    }

    private static func get(from node: ServedNode) throws -> [UInt8]? {
        var connection = try LMConnection(connectingTo: node.url)
        var buffer = TransferBuffer(byteCapacity: 0)
        guard let reply = try connection.get(key, into: &buffer) else { return nil }
        let bytes = buffer.prefix(reply.payloadByteCount)
        return (0..<bytes.byteCount).map { bytes.loadByte(at: $0) }
    }

    private static func end(_ status: Int32, _ text: String) -> Never {
        let line = Array("TwoNodes: \(text)\n".utf8)
        // SAFETY: write(2) reads as many bytes as the array has, during the call.
        _ = unsafe write(STDERR_FILENO, line, line.count)
        exit(status)
    }
}
