import Glibc
import Testing

@testable import RepriseCore

/// How the CUDA runtime is found. The environment is changed in processes of their own.
@Suite struct CUDARuntimeTests {
    @Test func `a library is loaded by its path`() throws {
        let fake = try CUDAFakeRuntime()
        #expect(fake.runtime.path == fake.path)
        #expect(try fake.runtime.deviceCount() == 2)
        #expect(fake.takeCalls() == ["cudaGetDeviceCount"])
    }

    @Test func `no library at a path is a clear error`() {
        let error = #expect(throws: StorageError.self) {
            try CUDARuntime.load(path: "/nonexistent/libcudart.so")
        }
        #expect(error?.code == .unsupported)
        let message = error?.message ?? ""
        #expect(message.hasPrefix("no CUDA runtime (libcudart) was found: /nonexistent/libcudart.so: "))
        #expect(message.hasSuffix("Install it, or set REPRISE_CUDART to its path"))
    }

    @Test func `a library that is no CUDA runtime is a clear error`() throws {
        let path = try CUDAFakeRuntime.compile("int cudaGetDeviceCount(int *count) { return *count = 0; }")
        defer { CUDAFakeRuntime.remove(path) }
        let error = #expect(throws: StorageError.self) { try CUDARuntime.load(path: path) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains(path) == true)
        #expect(error?.message.contains("cudaGetDevice") == true)
    }

    @Test func `the environment variable names the library`() async throws {
        let path = try CUDAFakeRuntime.compile(CUDAFakeRuntime.source)
        defer { CUDAFakeRuntime.remove(path) }
        await #expect(processExitsWith: .success) { [path = path as String] in
            _ = unsafe setenv("REPRISE_CUDART", path, 1)
            let runtime = try CUDARuntime.load()
            try #require(runtime.path == path)
            let pool = try LocalGPUPool(.small(chunkCount: 2))
            let object = try #require(try pool.allocate(tokenCount: 2))
            try object.write([UInt8](repeating: 5, count: 144).rawSpan)
            try #require(try object.readBytes() == [UInt8](repeating: 5, count: 144))
            let pinned = try LocalCPUPool(.small(chunkCount: 2))
            try #require(pinned.isPinned)
        }
    }

    @Test func `without a library a GPU pool is a clear error and a CPU pool works`() async {
        await #expect(processExitsWith: .success) {
            _ = unsafe setenv("REPRISE_CUDART", "/nonexistent/libcudart.so", 1)
            let error = #expect(throws: StorageError.self) { try LocalGPUPool(.small(chunkCount: 2)) }
            try #require(error?.code == .unsupported)
            try #require(error?.message.hasPrefix("no CUDA runtime (libcudart) was found: ") == true)
            let pool = try LocalCPUPool(.small(chunkCount: 2))
            try #require(!pool.isPinned)
            try #require(pool.pinningError == error)
            let object = try #require(try pool.allocate(tokenCount: 2))
            try object.write([UInt8](repeating: 5, count: 144).rawSpan)
            let required = #expect(throws: StorageError.self) {
                try LocalCPUPool(.small(chunkCount: 2), pinning: .required)
            }
            try #require(required == error)
        }
    }

    @Test func `an empty environment variable counts as none`() async {
        await #expect(processExitsWith: .success) {
            _ = unsafe setenv("REPRISE_CUDART", "", 1)
            do throws(StorageError) {
                let runtime = try CUDARuntime.load(path: "")
                try CUDARuntimeTests.require(CUDARuntime.libraryNames.contains(runtime.path))
            } catch {
                for name in CUDARuntime.libraryNames {
                    try #require(error.message.contains(name))
                }
            }
        }
    }

    private static func require(_ condition: Bool) throws(StorageError) {
        if !condition { throw StorageError(.invalidArgument, "the path is none of the names") }
    }
}
