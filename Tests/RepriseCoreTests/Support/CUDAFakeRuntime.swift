import Glibc

@testable import RepriseCore

/// A shared library with the functions of the CUDA runtime that Reprise uses, compiled for one test, and
/// loaded.
///
/// Its devices' memory is host memory under addresses that trap when they are used directly. It notes every
/// call, keeps count of what is not freed, and can be told to fail.
@safe
final class CUDAFakeRuntime: Sendable {
    struct Unavailable: Error, CustomStringConvertible {
        let description: String
    }

    let path: String
    let runtime: CUDARuntime
    // SAFETY: the handle of a library that stays loaded.
    private nonisolated(unsafe) let library: UnsafeMutableRawPointer

    init() throws {
        path = try CUDAFakeRuntime.compile(CUDAFakeRuntime.source)
        runtime = try CUDARuntime.load(path: path)
        guard let library = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            throw Unavailable(description: "the library that was loaded cannot be loaded again")
        }
        unsafe self.library = library
    }

    deinit {
        CUDAFakeRuntime.remove(path)
    }

    /// Bytes of device memory that are allocated now.
    var liveDeviceByteCount: Int { call("fake_live_device_bytes") }

    /// Host regions that are page-locked now.
    var liveRegistrationCount: Int { call("fake_live_registrations") }

    /// The status that `cudaGetLastError` would return.
    var lastError: Int { call("fake_last_error") }

    /// Makes the next call of one function fail.
    func failNext(_ function: String, status: Int32) {
        typealias Function = @convention(c) (UnsafePointer<CChar>, Int32) -> Void
        // SAFETY: the type is that of the C source below.
        unsafe unsafeBitCast(symbol("fake_fail_next"), to: Function.self)(function, status)
    }

    /// The calls since the last time, and forgets them.
    func takeCalls() -> [String] {
        typealias Function = @convention(c) () -> UnsafePointer<CChar>
        typealias Clear = @convention(c) () -> Void
        // SAFETY: the types are those of the C source below; the text is copied before it is cleared.
        let text = unsafe String(cString: unsafeBitCast(symbol("fake_journal"), to: Function.self)())
        unsafe unsafeBitCast(symbol("fake_clear_journal"), to: Clear.self)()
        return text.split(separator: "\n").map(String.init)
    }

    private func call(_ name: String) -> Int {
        typealias Function = @convention(c) () -> Int
        // SAFETY: the type is that of the C source below.
        return unsafe unsafeBitCast(symbol(name), to: Function.self)()
    }

    private func symbol(_ name: String) -> UnsafeMutableRawPointer {
        guard let address = unsafe dlsym(library, name) else { preconditionFailure("no function \(name)") }
        return unsafe address
    }

    /// Compiles C source to a shared library in a new folder; returns its path.
    static func compile(_ source: String) throws -> String {
        var template = Array("/tmp/reprise-cuda-XXXXXX".utf8CString)
        let folder = unsafe template.withUnsafeMutableBufferPointer { buffer -> String? in
            guard let base = buffer.baseAddress, let folder = unsafe mkdtemp(base) else { return nil }
            return unsafe String(cString: folder)
        }
        guard let folder else { throw Unavailable(description: "no folder could be made in /tmp") }
        let input = "\(folder)/cudart.c"
        guard let file = unsafe fopen(input, "w") else {
            throw Unavailable(description: "\(input) cannot be written")
        }
        unsafe fputs(source, file)
        unsafe fclose(file)
        let path = "\(folder)/libcudart.so"
        for compiler in ["cc", "clang", "gcc"] {
            if run([compiler, "-shared", "-fPIC", "-pthread", "-o", path, input]) == 0 { return path }
        }
        throw Unavailable(description: "no C compiler (cc, clang or gcc) could compile \(input)")
    }

    /// Removes what ``compile(_:)`` left.
    static func remove(_ path: String) {
        let folder = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)
        _ = unsafe unlink(path)
        _ = unsafe unlink("\(folder)/cudart.c")
        _ = unsafe rmdir(String(folder))
    }

    /// Runs a program to its end; returns its exit status, or `nil` when it could not be run or was killed.
    private static func run(_ arguments: [String]) -> Int32? {
        var vector = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer {
            for index in arguments.indices { unsafe free(vector[index]) }
        }
        var process = pid_t()
        // SAFETY: the vector ends with a null and lives until the call returns.
        guard unsafe posix_spawnp(&process, arguments[0], nil, nil, &vector, environ) == 0 else { return nil }
        var status: Int32 = 0
        // EINTR is retried: waitpid(2) may be interrupted by a signal handler.
        while unsafe waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { return nil }
        }
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : nil
    }
}
