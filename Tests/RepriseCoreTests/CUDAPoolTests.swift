import Testing

@testable import RepriseCore

/// The GPU pool and page-locked host memory, on a library that stands for the CUDA runtime.
@Suite struct CUDAPoolTests {
    let fake: CUDAFakeRuntime
    let metadata: KVPoolMetadata

    init() throws {
        fake = try CUDAFakeRuntime()
        metadata = try .small(chunkCount: 3)
    }

    @Test func `a GPU pool is one allocation, which the last object frees`() throws {
        var pool: LocalGPUPool? = try LocalGPUPool(metadata, runtime: fake.runtime)
        #expect(pool?.device == .cuda(index: 0))
        #expect(fake.takeCalls() == ["cudaGetDeviceCount", "cudaMalloc 12288"])
        var object = try pool?.allocate(tokenCount: 5)
        pool = nil
        #expect(fake.liveDeviceByteCount == 12_288)
        try object?.write([UInt8](repeating: 9, count: 360).rawSpan)
        #expect(try object?.readBytes() == [UInt8](repeating: 9, count: 360))
        _ = fake.takeCalls()
        object = nil
        #expect(fake.takeCalls() == ["cudaFree"])
        #expect(fake.liveDeviceByteCount == 0)
    }

    @Test func `a full chunk is one plain copy`() throws {
        let pool = try LocalGPUPool(metadata, runtime: fake.runtime)
        let object = try #require(try pool.allocate(tokenCount: 5))
        _ = fake.takeCalls()
        try object.write([UInt8](repeating: 1, count: 360).rawSpan)
        _ = try object.readBytes()
        #expect(fake.takeCalls() == ["cudaMemcpy 360 kind 1", "cudaMemcpy 360 kind 2"])
    }

    @Test func `a partial chunk is one copy of rows`() throws {
        let pool = try LocalGPUPool(metadata, runtime: fake.runtime)
        let object = try #require(try pool.allocate(tokenCount: 2))
        _ = fake.takeCalls()
        try object.write([UInt8](repeating: 1, count: 144).rawSpan)
        _ = try object.readBytes()
        #expect(
            fake.takeCalls() == [
                "cudaMemcpy2D pitch 60 from 24 width 24 height 6 kind 1",
                "cudaMemcpy2D pitch 24 from 60 width 24 height 6 kind 2",
            ]
        )
    }

    @Test func `every call selects the pool's device and puts the old one back`() throws {
        var pool: LocalGPUPool? = try LocalGPUPool(metadata, device: .cuda(index: 1), runtime: fake.runtime)
        #expect(pool?.device == .cuda(index: 1))
        #expect(
            fake.takeCalls() == [
                "cudaGetDeviceCount", "cudaSetDevice 1", "cudaMalloc 12288", "cudaSetDevice 0",
            ]
        )
        try pool?.allocate(tokenCount: 5)?.write([UInt8](repeating: 1, count: 360).rawSpan)
        #expect(fake.takeCalls() == ["cudaSetDevice 1", "cudaMemcpy 360 kind 1", "cudaSetDevice 0"])
        pool = nil
        #expect(fake.takeCalls() == ["cudaSetDevice 1", "cudaFree", "cudaSetDevice 0"])
        #expect(fake.liveDeviceByteCount == 0)
    }

    @Test(arguments: [-1, 2, Int.max]) func `a device that is not there is refused`(index: Int) {
        #expect { try LocalGPUPool(metadata, device: .cuda(index: index), runtime: fake.runtime) } throws: {
            ($0 as? StorageError)?.code == .invalidArgument
        }
        #expect(fake.liveDeviceByteCount == 0)
    }

    @Test func `a GPU pool on the host is refused`() {
        #expect { try LocalGPUPool(metadata, device: .cpu, runtime: fake.runtime) } throws: {
            ($0 as? StorageError)?.code == .invalidArgument
        }
    }

    @Test(
        arguments: [
            ("cudaMalloc", 2, StorageError.Code.outOfMemory), ("cudaMalloc", 999, .system),
            ("cudaGetDeviceCount", 100, .unsupported), ("cudaGetDeviceCount", 35, .unsupported),
            ("cudaGetDevice", 3, .system), ("cudaSetDevice", 46, .system),
        ] as [(String, Int32, StorageError.Code)]
    )
    func `a pool that cannot be made says so in the runtime's words`(
        function: String,
        status: Int32,
        code: StorageError.Code
    ) throws {
        fake.failNext(function, status: status)
        let error = #expect(throws: StorageError.self) {
            try LocalGPUPool(metadata, device: .cuda(index: 1), runtime: fake.runtime)
        }
        #expect(error?.code == code)
        let message = try #require(error?.message)
        #expect(message.contains(function))
        #expect(message.hasSuffix("failed: the fake's text for \(status) (CUDA error \(status))"))
        #expect(fake.lastError == 0)
        #expect(fake.liveDeviceByteCount == 0)
        #expect(try fake.runtime.currentDevice() == 0)
    }

    @Test(arguments: [("cudaMemcpy", 5), ("cudaMemcpy2D", 2)])
    func `a copy that fails says so, and the chunk stays usable`(function: String, tokenCount: Int) throws {
        let pool = try LocalGPUPool(metadata, device: .cuda(index: 1), runtime: fake.runtime)
        let object = try #require(try pool.allocate(tokenCount: tokenCount))
        let bytes = [UInt8](repeating: 3, count: object.dataByteCount)
        fake.failNext(function, status: 700)
        let writeError = #expect(throws: StorageError.self) { try object.write(bytes.rawSpan) }
        #expect(writeError?.code == .system)
        #expect(writeError?.message.contains("the fake's text for 700") == true)
        try object.write(bytes.rawSpan)
        fake.failNext(function, status: 700)
        #expect(throws: StorageError.self) { try object.readBytes() }
        #expect(try object.readBytes() == bytes)
        #expect(fake.lastError == 0)
        #expect(try fake.runtime.currentDevice() == 0)
        #expect(pool.free(object))
        #expect(pool.freeChunkCount == 3)
    }

    @Test(arguments: [HostPinning.whenAvailable, .required])
    func `a CPU pool is page-locked while it lives`(pinning: HostPinning) throws {
        var pool: LocalCPUPool? = try LocalCPUPool(metadata, pinning: pinning, runtime: fake.runtime)
        #expect(pool?.isPinned == true)
        #expect(pool?.pinningError == nil)
        #expect(fake.takeCalls() == ["cudaHostRegister 12288 flags 1"])
        #expect(fake.liveRegistrationCount == 1)
        pool = nil
        #expect(fake.takeCalls() == ["cudaHostUnregister"])
        #expect(fake.liveRegistrationCount == 0)
    }

    @Test func `a buffer pool is page-locked too`() throws {
        let pool = try LocalCPUBufferPool(metadata, runtime: fake.runtime)
        #expect(pool.isPinned)
        #expect(fake.liveRegistrationCount == 1)
    }

    @Test func `a CPU pool that is not to be pinned makes no call`() throws {
        let pool = try LocalCPUPool(metadata, pinning: .never, runtime: fake.runtime)
        #expect(!pool.isPinned)
        #expect(pool.pinningError == nil)
        #expect(fake.takeCalls() == [])
    }

    @Test func `a CPU pool works without the page lock it could not get`() throws {
        fake.failNext("cudaHostRegister", status: 712)
        let pool = try LocalCPUPool(metadata, runtime: fake.runtime)
        #expect(!pool.isPinned)
        #expect(pool.pinningError?.message.contains("the fake's text for 712") == true)
        #expect(fake.lastError == 0)
        let object = try #require(try pool.allocate(tokenCount: 1))
        try object.write([UInt8](repeating: 6, count: 72).rawSpan)
        #expect(try object.readBytes() == [UInt8](repeating: 6, count: 72))
    }

    @Test func `a page lock that is required and refused is an error`() throws {
        fake.failNext("cudaHostRegister", status: 2)
        let error = #expect(throws: StorageError.self) {
            try LocalCPUPool(metadata, pinning: .required, runtime: fake.runtime)
        }
        #expect(error?.code == .outOfMemory)
        #expect(fake.liveRegistrationCount == 0)
        #expect(fake.takeCalls() == ["cudaHostRegister 12288 flags 1"])
    }
}
