internal import RepriseCore

/// A directory and what it may take; without a size it is LMCache's `max_local_disk_size`.
internal struct DiskPlace: Hashable, Sendable {
    let path: String
    var byteCount: Int?

    static let pathByteCountMax = 4000

    init(path: String, byteCount: Int?) throws(SettingProblem) {
        guard path.utf8.count <= Self.pathByteCountMax, !path.utf8.contains(0) else {
            throw SettingProblem("\(Quoted(path)): a path has at most \(Self.pathByteCountMax) bytes")
        }
        self.path = path
        self.byteCount = byteCount
    }

    /// Reads `PATH:SIZE`.
    init(parsing text: String) throws(SettingProblem) {
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex else {
            throw SettingProblem("\(Quoted(text)): write a directory and a size, as /var/lib/reprise:100GiB")
        }
        let size = try SettingKind.size(min: 1).parse(.scalar(String(text[text.index(after: colon)...])))
        try self.init(path: String(text[..<colon]), byteCount: size)
    }

    /// Reads one of LMCache's local disks, `file:///path/` or `/path`.
    init(localDisk text: String) throws(SettingProblem) {
        let scheme = "file://"
        var path = text.hasPrefix(scheme) ? text.dropFirst(scheme.count) : Substring(text)
        guard path.hasPrefix("/") else {
            throw SettingProblem("\(Quoted(text)) is no directory; write file:///path/ or /path")
        }
        while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
        try self.init(path: String(path), byteCount: nil)
    }

    /// `PATH:SIZE`.
    var text: String { byteCount.map { "\(path):\(ByteSize($0))" } ?? path }
}
