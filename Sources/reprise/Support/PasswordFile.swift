import RepriseCore
import RepriseRemote

/// Files that hold a password.
enum PasswordFile {
    /// A file's first line, without its end.
    static func firstLine(of path: String) throws(CommandFailure) -> [UInt8] {
        var buffer = TransferBuffer(byteCapacity: 0)
        let limit = NodeCredentials.passwordByteCountMax + 2
        let byteCount = try FileDescriptor.read(path, into: &buffer, limit: limit)
        let line = [UInt8](copying: buffer.prefix(byteCount)).prefix { $0 != UInt8(ascii: "\n") }
        return line.last == UInt8(ascii: "\r") ? line.dropLast() : Array(line)
    }
}
