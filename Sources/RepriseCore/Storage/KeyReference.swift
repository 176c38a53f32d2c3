/// A key's bytes where they lie, and their fingerprint: what a lookup needs of a key, without a copy.
// SAFETY: made for one call, from bytes that outlive it.
@unsafe
package struct KeyReference {
    package let bytes: UnsafeRawBufferPointer
    package let fingerprint: UInt64
}

extension StorageKey {
    /// Gives access to the key for the duration of a call.
    @inline(__always)
    package func withReference<Result>(_ body: (KeyReference) -> Result) -> Result {
        // SAFETY: the reference is not kept beyond the closure.
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe body(KeyReference(bytes: bytes, fingerprint: fingerprint))
        }
    }
}
