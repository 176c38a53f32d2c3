/// Text that follows a reply's header: a copy that stands still while the kernel reads it.
@safe
final class ReplyText {
    // SAFETY: allocated in `init`, freed in `deinit`.
    let bytes: UnsafeMutableRawBufferPointer

    /// Copies the text.
    init(_ text: [UInt8]) {
        unsafe bytes = .allocate(byteCount: text.count, alignment: 1)
        unsafe bytes.copyBytes(from: text)
    }

    deinit {
        unsafe bytes.deallocate()
    }
}
