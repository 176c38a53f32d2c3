internal import Glibc

/// The functions of the CUDA runtime that Reprise calls, with the C types of its API; each result is a
/// `cudaError_t`.
@safe
struct CUDAFunctions: Sendable {
    typealias GetNumber = @convention(c) @Sendable (UnsafeMutablePointer<Int32>) -> Int32
    typealias SetNumber = @convention(c) @Sendable (Int32) -> Int32
    typealias Allocate =
        @convention(c) @Sendable (UnsafeMutablePointer<UnsafeMutableRawPointer?>, Int) -> Int32
    typealias Release = @convention(c) @Sendable (UnsafeMutableRawPointer) -> Int32
    typealias Copy = @convention(c) @Sendable (UnsafeMutableRawPointer, UnsafeRawPointer, Int, Int32) -> Int32
    typealias CopyRows =
        @convention(c) @Sendable (UnsafeMutableRawPointer, Int, UnsafeRawPointer, Int, Int, Int, Int32) ->
        Int32
    typealias Register = @convention(c) @Sendable (UnsafeMutableRawPointer, Int, UInt32) -> Int32
    typealias ErrorText = @convention(c) @Sendable (Int32) -> UnsafePointer<CChar>?
    typealias LastError = @convention(c) @Sendable () -> Int32

    let getDeviceCount: GetNumber
    let getDevice: GetNumber
    let setDevice: SetNumber
    let malloc: Allocate
    let free: Release
    let memcpy: Copy
    let memcpy2D: CopyRows
    let hostRegister: Register
    let hostUnregister: Release
    let getErrorString: ErrorText
    let getLastError: LastError

    /// Finds the functions in a loaded library.
    ///
    /// - Throws: `unsupported` when one is missing.
    init(_ library: UnsafeMutableRawPointer, path: String) throws(StorageError) {
        // SAFETY: the handle is a loaded library's, and each type is that of CUDA's documentation.
        let symbols = unsafe Symbols(library: library, path: path)
        unsafe getDeviceCount = try symbols.find("cudaGetDeviceCount", as: GetNumber.self)
        unsafe getDevice = try symbols.find("cudaGetDevice", as: GetNumber.self)
        setDevice = try symbols.find("cudaSetDevice", as: SetNumber.self)
        unsafe malloc = try symbols.find("cudaMalloc", as: Allocate.self)
        unsafe free = try symbols.find("cudaFree", as: Release.self)
        unsafe memcpy = try symbols.find("cudaMemcpy", as: Copy.self)
        unsafe memcpy2D = try symbols.find("cudaMemcpy2D", as: CopyRows.self)
        unsafe hostRegister = try symbols.find("cudaHostRegister", as: Register.self)
        unsafe hostUnregister = try symbols.find("cudaHostUnregister", as: Release.self)
        unsafe getErrorString = try symbols.find("cudaGetErrorString", as: ErrorText.self)
        getLastError = try symbols.find("cudaGetLastError", as: LastError.self)
    }

    @safe
    private struct Symbols {
        // SAFETY: the handle of a library that is never unloaded.
        let library: UnsafeMutableRawPointer
        let path: String

        func find<Function>(_ name: String, as type: Function.Type) throws(StorageError) -> Function {
            // SAFETY: the name is passed as a string that ends with a zero and outlives the call.
            guard let address = unsafe dlsym(library, name) else {
                throw StorageError(
                    .unsupported,
                    "'\(path)' is no CUDA runtime that can be used: \(CUDARuntime.loaderMessage())"
                )
            }
            // SAFETY: `Function` is a C function type, of one pointer, with the types of CUDA's
            // documentation.
            return unsafe unsafeBitCast(address, to: type)
        }
    }
}
