import Glibc
import RepriseCore
import RepriseRemote
import RepriseTesting

// SAFETY, whole file: strings and arrays outlive the calls that they are given to.

/// A Redis server, or a sentinel, of the system's package; killed by its number in the end.
final class RedisProcess: Sendable {
    /// Where it listens.
    let port: UInt16
    private let directory: TemporaryDirectory
    private let number: Lock<pid_t>

    struct Failure: Error { let reason: String }

    private static let startCountMax = 3

    /// Whether the program is installed; the tests that need it say so otherwise.
    static let isInstalled = path != nil

    private static let path: String? = ["/usr/bin/redis-server", "/usr/local/bin/redis-server"].first {
        unsafe access($0, X_OK) == 0
    }

    /// Starts a server and waits until it answers.
    ///
    /// - Parameter configuration: Lines of its configuration file.
    init(_ configuration: [String] = [], isSentinel: Bool = false) throws {
        directory = try TemporaryDirectory()
        // Another process may take the port between the look at it and the server's bind.
        for _ in 0..<Self.startCountMax {
            if let (port, number) = try Self.start(configuration, isSentinel, in: directory.path) {
                self.port = port
                self.number = Lock(number)
                return
            }
        }
        let log = FileSystem.contents(ofFile: "\(directory.path)/log") ?? []
        throw Failure(reason: "redis-server did not start: \(String(decoding: log, as: UTF8.self))")
    }

    /// Starts a server at some port and waits until it answers; `nil` when it does not.
    private static func start(
        _ configuration: [String],
        _ isSentinel: Bool,
        in directory: String
    ) throws -> (port: UInt16, number: pid_t)? {
        try start(configuration, isSentinel, in: directory, at: freePort())
    }

    private static func start(
        _ configuration: [String],
        _ isSentinel: Bool,
        in directory: String,
        at port: UInt16
    ) throws -> (port: UInt16, number: pid_t)? {
        let base = [
            "port \(port)", "bind 127.0.0.1", "dir \(directory)", "daemonize no", "loglevel warning",
            "logfile \(directory)/log",
        ]
        let file = "\(directory)/configuration"
        let own = isSentinel ? [] : ["save \"\"", "appendonly no", "repl-diskless-sync-delay 0"]
        try write((base + own + configuration).joined(separator: "\n") + "\n", to: file)
        let number = spawn([path ?? "", file] + (isSentinel ? ["--sentinel"] : []))
        let url = NodeURL(.resp, .tcp(host: "127.0.0.1", port: port))
        for _ in 0..<500 {
            do throws(RemoteError) {
                var connection = try RESPConnection(connectingTo: url)
                try connection.ping()
                return (port, number)
            } catch  where error.code == .rejected {
                // It asks for a password.
                return (port, number)
            } catch {}
            if waitpid(number, nil, WNOHANG) == number { return nil }
            Thread.sleep(milliseconds: 20)
        }
        _ = kill(number, SIGKILL)
        _ = waitpid(number, nil, 0)
        return nil
    }

    deinit { stop() }

    /// Its URL.
    var url: NodeURL { NodeURL(.resp, .tcp(host: "127.0.0.1", port: port)) }

    /// Stops it at once, as a crash would.
    func stop() {
        let process = number.withLock { number in
            defer { number = 0 }
            return number
        }
        guard process > 0 else { return }
        _ = kill(process, SIGKILL)
        _ = waitpid(process, nil, 0)
    }

    /// Starts it again where it was, with nothing in it.
    func restart() throws {
        guard let (_, process) = try Self.start([], false, in: directory.path, at: port) else {
            throw Failure(reason: "redis-server did not start again at \(port)")
        }
        number.withLock { $0 = process }
    }

    /// Lets it hang, or go on.
    func signal(_ signal: Int32) { number.withLock { _ = kill($0, signal) } }

    private static func write(_ text: String, to path: String) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        let bytes = Array(text.utf8)
        let count = unsafe Glibc.write(descriptor, bytes, bytes.count)
        _ = close(descriptor)
        guard count == bytes.count else { throw Failure(reason: "\(path) cannot be written") }
    }

    private static func spawn(_ words: [String]) -> pid_t {
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var number = pid_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // Threads of ours block all signals, which a child would inherit.
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        // Whoever waits for the end of the test's output must not wait for the server's.
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for descriptor in 0...2 as ClosedRange<Int32> {
            unsafe posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        let status = unsafe posix_spawn(&number, words[0], &actions, &attributes, &arguments, environ)
        return status == 0 ? number : 0
    }

    /// A port that nobody listens at now, below those that the system gives to connections; cluster nodes
    /// need that of 10,000 above, too.
    static func freePort() -> UInt16 {
        for _ in 0..<1000 {
            let port = UInt16.random(in: 11_000..<22_000)
            if isFree(port), isFree(port + 10_000) { return port }
        }
        return 0
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { _ = close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        } == 0
    }
}

/// Sends any command, and waits for the first line of its reply.
final class RawRedis {
    private let descriptor: Int32

    init(_ port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw RedisProcess.Failure(reason: "no connection to \(port)") }
    }

    deinit { _ = close(descriptor) }

    /// The reply's first line, or its first string.
    @discardableResult
    func command(_ words: [String]) throws -> String {
        let text = "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
        let bytes = Array(text.utf8)
        _ = unsafe send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        var line = receiveLine()
        if line.hasPrefix("$"), let count = Int(line.dropFirst()), count >= 0 {
            line = ""
            var rest = count + 2
            while rest > 0 {
                var byte: UInt8 = 0
                guard unsafe recv(descriptor, &byte, 1, 0) == 1 else { break }
                line.unicodeScalars.append(Unicode.Scalar(byte))
                rest -= 1
            }
        }
        guard !line.hasPrefix("-") else { throw RedisProcess.Failure(reason: "\(words): \(line)") }
        return line
    }

    private func receiveLine() -> String {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while unsafe recv(descriptor, &byte, 1, 0) == 1 {
            if byte == UInt8(ascii: "\n") { break }
            line.append(byte)
        }
        return String(decoding: line.dropLast(), as: UTF8.self)
    }
}
