@testable import RepriseCore

/// The pools of chunks, for tests of what they have in common.
enum PoolKind: CaseIterable, Sendable {
    case cpu, cpuBuffer, gpu

    func makePool(_ metadata: KVPoolMetadata) throws -> any ChunkPool {
        switch self {
        case .cpu: try LocalCPUPool(metadata, pinning: .never)
        case .cpuBuffer: try LocalCPUBufferPool(metadata, pinning: .never)
        case .gpu: try LocalGPUPool(metadata, runtime: CUDAFakeRuntime().runtime)
        }
    }
}

extension KVPoolMetadata {
    /// Three layers, five tokens, two heads of three elements of two bytes: 360 bytes a chunk, 12 a token and
    /// row.
    static func small(chunkCount: Int) throws -> KVPoolMetadata {
        try KVPoolMetadata(
            layerCount: 3,
            chunkSize: 5,
            headCount: 2,
            headSize: 3,
            dtype: .bfloat16,
            capacityByteCount: 360 * (chunkCount - 1)
        )
    }
}
