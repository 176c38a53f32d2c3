import Glibc

/// The process's environment.
enum EnvironmentText {
    /// The bytes of a variable; `nil` if it is not set, or empty.
    static func bytes(of name: String) -> [UInt8]? {
        // SAFETY: getenv(3)'s string is copied at once; nothing here changes the environment.
        guard let value = unsafe getenv(name) else { return nil }
        // SAFETY: as above.
        let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: value, count: strlen(value)))
        return bytes.isEmpty ? nil : bytes
    }
}
