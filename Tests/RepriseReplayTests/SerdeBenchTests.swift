import RepriseCore
import RepriseRemote
import RepriseReplay
import Testing

struct SerdeBenchTests {
    private func bench(
        _ serde: any Serde,
        _ dtype: DType,
        _ source: SerdeBench.Source = .normal(seed: 1)
    ) -> SerdeBench {
        let metadata = MemoryObjectMetadata(shape: [1, 1, 4096, 128], dtype: dtype, format: .kvMLA)
        return SerdeBench(serde: serde, metadata: metadata, source: source)
    }

    @Test(arguments: [DType.float16, .bfloat16, .float32])
    func `values that are kept as they are have no error`(dtype: DType) throws {
        let result = try bench(NaiveSerde(), dtype).run()
        #expect(result.storedByteCount == result.originalByteCount)
        #expect(result.error.equalCount == 4096 * 128)
        #expect(result.error.elementCount == 4096 * 128)
        #expect(result.error.relativeRMS == 0 && result.error.absoluteMax == 0)
    }

    @Test(arguments: [DType.float16, .bfloat16, .float32])
    func `fp8 halves what has 16 bits, with the error of three bits of mantissa`(dtype: DType) throws {
        let result = try bench(FP8Serde(headElementCount: 128), dtype).run()
        #expect(result.storedByteCount < result.originalByteCount / dtype.byteCount + 18_000)
        // A number is rounded to one of eight steps between powers of two: 2 to 3 % in the root mean square.
        #expect((0.02...0.03).contains(result.error.relativeRMS))
        #expect(result.error.cosine > 0.9995 && result.error.cosine < 1)
        // The largest numbers are near 4.5, and steps there are half a unit wide.
        #expect((0.1...0.26).contains(result.error.absoluteMax))
    }

    @Test func `a tensor of other bytes than its shape says is refused`() {
        #expect(throws: StorageError.self) {
            try bench(NaiveSerde(), .bfloat16, .bytes([1, 2, 3])).run()
        }
        #expect(throws: StorageError.self) { try bench(NaiveSerde(), .uint8).run() }
    }
}
