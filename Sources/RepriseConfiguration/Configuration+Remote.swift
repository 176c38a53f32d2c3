public import RepriseRemote

extension Configuration {
    /// The remote store behind a node.
    public struct Remote: Sendable {
        /// How values are written in the store.
        public enum Serde: String, Sendable, CaseIterable {
            /// As they are.
            case naive
            /// As 8-bit floating point: half the bytes, and less precision.
            case fp8
        }

        /// Where the store is.
        public let url: RemoteURL
        /// The same as text, with `***` in the place of a password.
        public let urlText: String
        /// How values are written there.
        public let serde: Serde
        /// How long the store's next bytes are waited for.
        public let timeout: Duration
    }

    /// The directory in which nodes find each other's values.
    public struct Peers: Sendable {
        /// The Redis or Valkey that holds the directory; its store is ``RemoteURL/Store/resp(_:database:)``.
        public let lookupURL: RemoteURL
        /// Where other nodes reach this one's data port; `nil` for where it listens.
        public let advertisedAddress: HostAndPort?
    }
}
