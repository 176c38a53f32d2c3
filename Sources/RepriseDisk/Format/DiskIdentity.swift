/// A random number that a disk is made with, and that is part of every page and batch on it: bytes of another
/// disk prove nothing here.
package struct DiskIdentity: Hashable, Sendable, BitwiseCopyable {
    /// The number.
    package let rawValue: UInt64

    /// Creates an identity from its number.
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// What checksums on this disk start from.
    var checksumSeed: UInt32 { UInt32(truncatingIfNeeded: rawValue ^ rawValue >> 32) }
}
