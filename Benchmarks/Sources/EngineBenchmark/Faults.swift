import Glibc
import RepriseCore
import RepriseEngine
import RepriseRemote

/// Something that listens and is no good as a store.
enum Fault: String, CaseIterable {
    /// Nobody listens.
    case refuses
    /// It takes requests and never answers.
    case hangs
    /// It answers what is no answer.
    case garbles
    /// It closes each connection at once.
    case resets

    /// Begins to listen; the port, and what is to be closed in the end.
    func listen() -> (port: UInt16, descriptor: Int32) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = unsafe bind(descriptor, $0, length)
                _ = unsafe getsockname(descriptor, $0, &length)
            }
        }
        let port = UInt16(bigEndian: address.sin_port)
        guard self != .refuses else {
            close(descriptor)
            return (port, -1)
        }
        _ = Glibc.listen(descriptor, 64)
        // The system completes connections that nobody accepts, and takes what is sent.
        if self != .hangs { serve(descriptor) }
        return (port, descriptor)
    }

    private func serve(_ descriptor: Int32) {
        Thread(name: "fault") {
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                let answer = Array("?!garbage\r\n".utf8)
                if self == .garbles {
                    _ = unsafe send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
                }
                close(connection)
            }
        }.detach()
    }
}

/// Hits in memory, with and without a store behind that does not work and is asked all the time.
struct Faults {
    private let keys = (0..<512).map { StorageKey("hit-\($0)") }
    private let metadata = MemoryObjectMetadata(shape: [4096], dtype: .uint8, format: .binary)

    private func manager(behind remote: UInt16?) throws -> StorageManager {
        let memory = try makeMemory(byteCount: 64 << 20)
        let tiers = try remote.map { port in
            var limits = RemoteLimits()
            limits.callTimeMax = .milliseconds(200)
            let url = try RemoteURL(parsing: "redis://127.0.0.1:\(port)")
            let backend = RemoteBackend(memory: memory, url: url, limits: limits)
            return [StorageTier(name: "RemoteBackend", backend: backend)]
        }
        let manager = StorageManager(memory: memory, slower: tiers ?? [])
        for key in keys {
            guard let object = try memory.allocate(metadata) else { fatalError("the memory is too small") }
            manager.put(key, object)
            object.release()
        }
        return manager
    }

    /// Nanoseconds of this thread for a hit.
    private func cost(_ manager: StorageManager) -> Double {
        let time = seconds {
            for _ in 0..<200 {
                for key in keys {
                    guard let object = manager.get(key) else { fatalError("a key is lost") }
                    object.release()
                }
            }
        }
        return time / Double(200 * keys.count) * 1e9
    }

    /// Asks for what is nowhere, and puts, until it is told to end.
    private func trouble(_ manager: StorageManager, _ isOver: Lock<Bool>) -> Thread {
        Thread(name: "trouble") { [metadata] in
            var number = 0
            while !isOver.withLock({ $0 }) {
                number += 1
                manager.get(StorageKey("absent-\(number)"))?.release()
                if let object = try? manager.allocate(metadata) {
                    manager.put(StorageKey("put-\(number % 1000)"), object)
                    object.release()
                }
                usleep(1000)
            }
        }
    }

    /// Prints what a hit costs in each case; whether all are within the bar.
    func run() throws -> Bool {
        print("\na hit in memory, ns of its thread")
        let alone = try manager(behind: nil)
        var isMet = true
        for fault in Fault.allCases {
            let (port, descriptor) = fault.listen()
            let manager = try manager(behind: port)
            let isOver = Lock(false)
            let thread = trouble(manager, isOver)
            var (without, with, ratios) = ([Double](), [Double](), [Double]())
            for round in 0...(2 * roundCount) {
                let (first, second) = (cost(alone), cost(manager))
                guard round > 0 else { continue }
                without.append(first)
                with.append(second)
                ratios.append(first / second)
            }
            isOver.withLock { $0 = true }
            thread.join()
            manager.close()
            if descriptor >= 0 { shutdown(descriptor, Int32(SHUT_RDWR)) }
            print("without a store:          \(spread(without))")
            print("with one that \(fault.rawValue):    \(spread(with))")
            let ratio = median(ratios)
            if !judge("rate / rate without", ratio, isMet: ratio >= 0.9, "0.9") { isMet = false }
        }
        alone.close()
        return isMet
    }
}
