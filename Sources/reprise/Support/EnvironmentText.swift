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

    /// All variables; of a name that is there twice, the first.
    static var variables: [String: String] {
        var variables: [String: String] = [:]
        // SAFETY: environ(7) is an array of strings that ends with a null pointer; nothing here changes it,
        // and each string is copied at once.
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            let pair = unsafe String(cString: entry).split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            let name = String(pair[0])
            if pair.count == 2, variables[name] == nil { variables[name] = String(pair[1]) }
            unsafe next = next.advanced(by: 1)
        }
        return variables
    }
}
