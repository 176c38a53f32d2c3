internal import CRepriseShims
internal import Glibc

// SAFETY, whole file: the calls write what they are given, and keep no pointer.

/// The process at the other end of a Unix socket.
final class LocalPeer {
    /// The process's user.
    let user: UInt32
    /// Readable once the process has ended; -1 where the kernel gives none.
    let processDescriptor: Int32

    /// Asks the kernel; `nil` when it does not tell.
    init?(descriptor: Int32) {
        var user: UInt32 = 0
        var process: Int32 = -1
        guard unsafe reprise_peer_process(descriptor, &user, &process) == 0 else { return nil }
        self.user = user
        processDescriptor = process
    }

    deinit {
        if processDescriptor >= 0 { close(processDescriptor) }
    }

    /// The user of this process.
    static var ownUser: UInt32 { geteuid() }

    /// Opens a memory file once more, for reading only; `nil` when the system refuses it.
    static func reopenForReading(_ descriptor: Int32) -> Int32? {
        let reopened = reprise_reopen_for_reading(descriptor)
        return reopened >= 0 ? reopened : nil
    }
}

extension SocketCalls {
    /// Sends bytes with a descriptor beside them; `false` unless all of them went out.
    func send(_ descriptor: Int32, _ bytes: [UInt8], passing passed: Int32) -> Bool {
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe reprise_send_descriptor(descriptor, bytes.baseAddress, bytes.count, passed) == bytes.count
        }
    }
}
