internal import Glibc

/// The CUDA runtime library (`libcudart`), found when the process runs and never needed to build.
///
/// It stays loaded until the process ends: unloading it while devices are in use is not supported by CUDA.
///
/// - Source: CUDA Runtime API, "Device Management", "Memory Management", "Error Handling".
@safe
public final class CUDARuntime: Sendable {
    /// The environment variable that names the library to load.
    public static let environmentVariable = "REPRISE_CUDART"
    /// The names that are tried in this order when the environment variable is not set.
    public static let libraryNames = [
        "libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0", "libcudart.so",
    ]

    /// The name or path that the library was loaded by.
    public let path: String
    let functions: CUDAFunctions

    private init(path: String, functions: CUDAFunctions) {
        self.path = path
        self.functions = functions
    }

    /// Loads the library: `path`, or what ``environmentVariable`` names, or the first of ``libraryNames``
    /// there is.
    ///
    /// An empty path or variable counts as none. A path given in either way is the only one tried.
    ///
    /// - Throws: `unsupported` when there is no such library, or when it lacks a function.
    public static func load(path: String? = nil) throws(StorageError) -> CUDARuntime {
        var failures: [String] = []
        for candidate in candidates(path: path) {
            // SAFETY: the name is passed as a string that ends with a zero and outlives the call.
            if let library = unsafe dlopen(candidate, RTLD_NOW | RTLD_LOCAL) {
                let functions = try unsafe CUDAFunctions(library, path: candidate)
                return CUDARuntime(path: candidate, functions: functions)
            }
            failures.append(loaderMessage())
        }
        throw StorageError(
            .unsupported,
            "no CUDA runtime (libcudart) was found: \(failures.joined(separator: "; ")). "
                + "Install it, or set \(environmentVariable) to its path"
        )
    }

    private static func candidates(path: String?) -> [String] {
        if let path, !path.isEmpty { return [path] }
        // SAFETY: `getenv` returns a string that ends with a zero, or null; it is copied at once.
        if let value = unsafe getenv(environmentVariable), unsafe value.pointee != 0 {
            return [unsafe String(cString: value)]
        }
        return libraryNames
    }

    /// The dynamic loader's sentence for this thread's last failure.
    static func loaderMessage() -> String {
        // SAFETY: `dlerror` returns a string that ends with a zero, or null; it is copied at once.
        guard let message = unsafe dlerror() else { return "unknown error of the dynamic loader" }
        return unsafe String(cString: message)
    }
}
