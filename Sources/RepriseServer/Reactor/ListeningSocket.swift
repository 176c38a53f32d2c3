internal import Glibc

/// A socket that a server listens on and, for a Unix socket, the file that leads to it.
struct ListeningSocket: Sendable {
    /// A socket's file, and what tells it from another one of the same path.
    struct File: Sendable {
        let path: String
        private let device: dev_t
        private let number: ino_t

        /// Notes the file that is there now; `nil` when none is.
        init?(path: String) {
            var status = stat()
            // SAFETY: the path outlives the call, which writes the struct.
            guard unsafe lstat(path, &status) == 0 else { return nil }
            self.path = path
            (device, number) = (status.st_dev, status.st_ino)
        }

        /// Removes the file unless it has been replaced.
        func remove() {
            guard let now = File(path: path), now.device == device, now.number == number else { return }
            unsafe unlink(path)
        }
    }

    /// Non-blocking.
    let descriptor: Int32
    /// The socket's file; `nil` for TCP.
    var file: File?

    /// Removes the file, then closes the socket: as long as it listens, no other server takes the path.
    func close() {
        file?.remove()
        Glibc.close(descriptor)
    }
}
