internal import Glibc
internal import RepriseCore

/// Where a connection comes from or goes to.
struct PeerAddress: Hashable, Sendable {
    /// The host's part of an address.
    enum Host: Hashable, Sendable {
        /// 4 or 16 bytes.
        case network([UInt8])
        case unix(path: String)
    }

    let host: Host
    let port: UInt16

    /// Whether the peer is on this machine.
    var isLocal: Bool {
        switch host {
        case .unix: true
        case .network(let bytes): NetworkRange.loopback.contains { $0.contains(bytes) }
        }
    }

    /// The address as Redis shows it: `127.0.0.1:6379`, `[::1]:6379`, `/path:0`.
    var text: String {
        switch host {
        case .unix(let path): "\(path):0"
        case .network(let bytes):
            bytes.count == 4 ? "\(Self.text(of: bytes)):\(port)" : "[\(Self.text(of: bytes))]:\(port)"
        }
    }

    /// An address of 4 or 16 bytes in the system's spelling.
    static func text(of bytes: [UInt8]) -> String { AddressText.text(of: bytes) }
}
