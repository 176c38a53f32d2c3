import Glibc

/// The files of this repository, read without Foundation.
enum FileTree {
    /// The root of the checkout, found from where this file lies.
    static let root: String = {
        let components = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return components.dropLast(4).joined(separator: "/")
    }()

    /// Folders that hold built, fetched or generated files.
    static let skippedFolders: Set<String> = [".build", ".git", "__pycache__", "artifacts", "corpus"]

    /// Paths of all files below `folder`, relative to the root, in order.
    static func paths(below folder: String = "") -> [String] {
        var found: [String] = []
        for name in names(in: folder).sorted() where !skippedFolders.contains(name) {
            let path = folder.isEmpty ? name : folder + "/" + name
            switch kind(of: path) {
            case .folder: found += paths(below: path)
            case .file: found.append(path)
            case .absent: continue
            }
        }
        return found
    }

    /// What a path names.
    enum Kind { case file, folder, absent }

    static func kind(of path: String) -> Kind {
        var status = stat()
        // SAFETY: stat(2) fills the structure it is handed; the path is a C string for the call.
        guard unsafe stat(root + "/" + path, &status) == 0 else { return .absent }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .folder
        default: return .absent
        }
    }

    /// The bytes of a file, or none when it cannot be read.
    static func bytes(of path: String) -> [UInt8] {
        // SAFETY: the stream is closed below and used by nothing else; fread(3) writes into the array.
        guard let stream = unsafe fopen(root + "/" + path, "r") else { return [] }
        defer { unsafe fclose(stream) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            // SAFETY: as above; the count is that of the array.
            let count = unsafe fread(&piece, 1, piece.count, stream)
            if count == 0 { return bytes }
            bytes += piece[..<count]
        }
    }

    private static func names(in folder: String) -> [String] {
        // SAFETY: the directory stream is closed below and used by nothing else.
        guard let stream = unsafe opendir(root + "/" + folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        // SAFETY: the entry is valid until the next readdir(3); its name ends in NUL and is copied at once.
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}
