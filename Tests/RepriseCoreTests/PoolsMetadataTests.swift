import RepriseCore
import Testing

@Suite struct PoolsMetadataTests {
    static func metadata(
        layers: Int = 32,
        tokens: Int = 256,
        heads: Int = 8,
        size: Int = 128,
        capacity: Int = 5 << 30
    ) throws -> KVPoolMetadata {
        try KVPoolMetadata(
            layerCount: layers,
            chunkSize: tokens,
            headCount: heads,
            headSize: size,
            dtype: .bfloat16,
            capacityByteCount: capacity
        )
    }

    @Test func `five GiB of an 8B model's chunks are 161 slots`() throws {
        let metadata = try Self.metadata()
        #expect(metadata.shape == [32, 2, 256, 8, 128])
        #expect(metadata.chunkByteCount == 33_554_432)
        #expect(metadata.chunkCountMax == 161)
        #expect(metadata.chunkStride == 33_554_432)
        #expect(metadata.memoryByteCount == 161 * 33_554_432)
        #expect(metadata.tokenByteCount == 2048)
    }

    @Test(arguments: [(5.0, 161), (0.5, 17), (0.1, 4), (0.031, 1), (0.0, 1)])
    func `a capacity in GiB is rounded down to bytes`(capacityGiB: Double, chunkCount: Int) throws {
        let metadata = try KVPoolMetadata(
            layerCount: 32,
            chunkSize: 256,
            headCount: 8,
            headSize: 128,
            dtype: .bfloat16,
            capacityGiB: capacityGiB
        )
        #expect(metadata.capacityByteCount == Int(capacityGiB * 1_073_741_824))
        #expect(metadata.chunkCountMax == chunkCount)
    }

    @Test(arguments: [-0.5, .nan, .infinity, -.infinity, 1e12, 1e300])
    func `a capacity in GiB that is no number of bytes is refused`(capacityGiB: Double) {
        let error = #expect(throws: StorageError.self) {
            try KVPoolMetadata(
                layerCount: 1,
                chunkSize: 256,
                headCount: 8,
                headSize: 128,
                dtype: .bfloat16,
                capacityGiB: capacityGiB
            )
        }
        #expect(error?.code == .invalidArgument)
    }

    @Test(arguments: [(0, 1), (359, 1), (360, 2), (719, 2), (720, 3)])
    func `a pool has one chunk more than its bytes hold`(capacity: Int, chunkCount: Int) throws {
        let metadata = try Self.metadata(layers: 3, tokens: 5, heads: 2, size: 3, capacity: capacity)
        #expect(metadata.chunkByteCount == 360)
        #expect(metadata.chunkCountMax == chunkCount)
        #expect(metadata.chunkStride == 4096)
    }

    @Test(arguments: [
        (0, 1, 1, 1, 0), (1, 0, 1, 1, 0), (1, 1, 0, 1, 0), (1, 1, 1, 0, 0), (-1, 1, 1, 1, 0),
        (1, -256, -8, 128, 0), (.max, 1, 1, 1, 0), (1, .max, .max, .max, 0), (1, 1 << 43, 1, 1, 0),
        (1, 1, 1, 1, -1), (1, 1, 1, 1, 1 << 30), (32, 256, 8, 128, 8 << 40), (32, 256, 8, 128, .max),
    ])
    func `what no pool can be is refused`(
        layers: Int,
        tokens: Int,
        heads: Int,
        size: Int,
        capacity: Int
    ) {
        #expect {
            try Self.metadata(layers: layers, tokens: tokens, heads: heads, size: size, capacity: capacity)
        } throws: {
            ($0 as? StorageError)?.code == .invalidArgument
        }
    }
}
