import Glibc
import RepriseConfiguration
import RepriseCore
import RepriseServer

extension MachineFacts {
    /// This machine, or the container.
    static var current: MachineFacts {
        MachineFacts(
            memoryByteCount: MachineMemory.limitByteCount,
            threadCount: ServerConfiguration().threadCount,
            hostNames: hostName.map { [$0] } ?? []
        )
    }

    private static var hostName: String? {
        var bytes = [CChar](repeating: 0, count: 256)
        // SAFETY: gethostname(2) writes into the array during the call; its last byte stays 0.
        guard unsafe gethostname(&bytes, 255) == 0 else { return nil }
        let text = bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }
}
