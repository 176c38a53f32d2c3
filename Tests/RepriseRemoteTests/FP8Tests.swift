import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseRemote

@Suite struct FP8Tests {
    private let memory: LocalCPUBackend

    init() throws { memory = try TestMemory.make() }

    private func allocate(_ byteCount: Int, _ metadata: MemoryObjectMetadata) -> MemoryObject? {
        TestMemory.Allocator(memory).allocate(byteCount, metadata)
    }

    /// What a code stands for, by the format's definition.
    private static func number(_ code: UInt8) -> Float {
        let exponent = Int(code >> 3 & 15)
        let mantissa = Float(code & 7)
        guard code & 0x7F != 0x7F else { return .nan }
        let magnitude =
            exponent == 0
            ? mantissa * Float(sign: .plus, exponent: -9, significand: 1)
            : (8 + mantissa) * Float(sign: .plus, exponent: exponent - 10, significand: 1)
        return code & 0x80 == 0 ? magnitude : -magnitude
    }

    private static let numbers = (0...255).map { number(UInt8($0)) }

    @Test func `every code is the number of the format's definition, and comes back`() {
        for code in UInt8.min...UInt8.max {
            let found = FP8Kernels.numbers(of: FP8Kernels.Codes(repeating: code))[7]
            let expected = Self.number(code)
            #expect(found == expected || (found.isNaN && expected.isNaN), "code \(code)")
            if !expected.isNaN {
                #expect(FP8Kernels.codes(of: FP8Kernels.Floats(repeating: expected))[3] == code)
            }
        }
    }

    @Test(arguments: 0..<8 as Range<UInt64>) func `a number becomes the nearest code`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let exponent = Int.random(in: -14...9, using: &generator)
            let number = Float(
                sign: Bool.random(using: &generator) ? .plus : .minus,
                exponent: exponent,
                significand: Float.random(in: 1..<2, using: &generator)
            )
            let found = Self.number(FP8Kernels.codes(of: FP8Kernels.Floats(repeating: number))[0])
            let least = Self.numbers.filter { !$0.isNaN }.map { abs($0 - number) }.min() ?? 0
            #expect(abs(found - number) == least, "\(number) became \(found)")
        }
        let special = FP8Kernels.codes(of: FP8Kernels.Floats(repeating: .infinity))[0]
        #expect(special == 0x7E && FP8Kernels.codes(of: FP8Kernels.Floats(repeating: .nan))[0] == 0x7F)
    }

    static let layouts: [MemoryObjectMetadata] = [DType.float16, .bfloat16, .float32].flatMap { dtype in
        [
            MemoryObjectMetadata(shape: [2, 3, 5, 64], dtype: dtype, format: .kv2LTD),
            MemoryObjectMetadata(shape: [5, 2, 64], dtype: dtype, format: .kvT2D),
            MemoryObjectMetadata(shape: [1, 2, 7, 96], dtype: dtype, format: .kvMLA),
        ]
    }

    private func element(_ object: MemoryObject, _ index: Int) -> Float {
        let bytes = object.bytes
        return switch object.metadata.dtype {
        case .float16: Float(Float16(bitPattern: bytes.loadLittleEndian(at: 2 * index, as: UInt16.self)))
        case .bfloat16:
            Float(bitPattern: UInt32(bytes.loadLittleEndian(at: 2 * index, as: UInt16.self)) << 16)
        default: Float(bitPattern: bytes.loadLittleEndian(at: 4 * index, as: UInt32.self))
        }
    }

    private func tensor(_ metadata: MemoryObjectMetadata, seed: UInt64) throws -> MemoryObject {
        var generator = SeededGenerator(seed: seed)
        let object = try #require(try memory.allocate(metadata))
        var bytes: [UInt8] = []
        for _ in 0..<(metadata.shape.elementCount ?? 0) {
            let number = Float.random(in: -3...3, using: &generator)
            switch metadata.dtype {
            case .float16: bytes.append(littleEndian: Float16(number).bitPattern)
            case .bfloat16: bytes.append(littleEndian: UInt16(number.bitPattern >> 16))
            default: bytes.append(littleEndian: number.bitPattern)
            }
        }
        object.copy(from: bytes.rawSpan)
        return object
    }

    @Test(arguments: layouts)
    func `a tensor comes back within a sixteenth of each element`(metadata: MemoryObjectMetadata) throws {
        let serde = FP8Serde(headElementCount: 32)
        let object = try tensor(metadata, seed: 1)
        let encoded = try #require(serde.serialize(object, allocate))
        let count = try #require(metadata.shape.elementCount)
        #expect(encoded.byteCount < count + count / 8 + 200)
        let decoded = try #require(serde.deserialize(encoded, allocate))
        #expect(decoded.metadata == metadata)
        for index in 0..<count {
            let (before, after) = (element(object, index), element(decoded, index))
            #expect(abs(before - after) <= max(abs(before) / 15.5, 3 * 0.0005))
        }
        for object in [object, encoded, decoded] { object.release() }
    }

    @Test func `what is no tensor of heads is kept as it is`() throws {
        let serde = FP8Serde(headElementCount: 64)
        let object = try TestMemory.object(memory)
        let kept = try #require(serde.serialize(object, allocate))
        #expect(kept === object && object.referenceCount == 2)
        let same = try #require(serde.deserialize(kept, allocate))
        #expect(same === object && object.referenceCount == 3)
    }

    @Test func `a damaged byte is noticed wherever it is`() throws {
        let serde = FP8Serde(headElementCount: 32)
        let object = try tensor(Self.layouts[0], seed: 2)
        let encoded = try #require(serde.serialize(object, allocate))
        let whole = [UInt8](copying: encoded.bytes)
        let reference = try #require(serde.deserialize(encoded, allocate))
        let expected = [UInt8](copying: reference.bytes)
        reference.release()
        for position in whole.indices {
            var damaged = whole
            damaged[position] ^= 0x10
            let copy = try #require(allocate(whole.count, encoded.metadata))
            copy.copy(from: damaged.rawSpan)
            let found = serde.deserialize(copy, allocate)
            // Bytes that say nothing, and an origin, may change; what comes back then is the same.
            if let found, found !== copy, [UInt8](copying: found.bytes) != expected {
                Issue.record("byte \(position) was damaged, and nobody noticed")
            }
            found?.release()
            copy.release()
        }
    }

    @Test func `numbers too small for a scale become zeros, and zeros stay`() throws {
        let serde = FP8Serde(headElementCount: 16)
        let metadata = MemoryObjectMetadata(shape: [1, 2, 16], dtype: .float32, format: .kv2TD)
        let object = try #require(try memory.allocate(metadata))
        var bytes: [UInt8] = []
        for index in 0..<32 {
            bytes.append(littleEndian: (index < 16 ? Float.leastNonzeroMagnitude : 0).bitPattern)
        }
        object.copy(from: bytes.rawSpan)
        let encoded = try #require(serde.serialize(object, allocate))
        let decoded = try #require(serde.deserialize(encoded, allocate))
        #expect((0..<32).allSatisfy { element(decoded, $0) == 0 })
        for object in [object, encoded, decoded] { object.release() }
    }

    @Test func `sizes that overflow are no tensor, whatever the checksum says`() throws {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: UInt64(0x3138_5046_5352_5052))
        bytes.append(littleEndian: UInt32(16))
        bytes += [4, 0, 0, 0]
        bytes.append(littleEndian: MemoryFormat.kv2LTD.rawValue)
        bytes.append(littleEndian: DType.float16.rawValue)
        for dimension in [Int32.max, 268_435_455, 1, 16] { bytes.append(littleEndian: dimension) }
        bytes += [UInt8](repeating: 0, count: 64)
        let metadata = MemoryObjectMetadata(shape: [bytes.count], dtype: .uint8, format: .binary)
        let object = try #require(allocate(bytes.count, metadata))
        object.copy(from: bytes.rawSpan)
        #expect(FP8Serde(headElementCount: 16).deserialize(object, allocate) == nil)
        object.release()
    }

    @Test func `a backend keeps tensors in half of their bytes`() throws {
        let directory = try TemporaryDirectory()
        let url = try RemoteURL(parsing: "fs://here\(directory.path)")
        let backend = RemoteBackend(memory: memory, url: url, serde: FP8Serde(headElementCount: 64))
        defer { backend.close() }
        let metadata = MemoryObjectMetadata(shape: [2, 2, 16, 128], dtype: .bfloat16, format: .kv2LTD)
        let object = try tensor(metadata, seed: 3)
        let isStored = Threads.map(1) { _ in backend.submitPutTask("k", object)?.wait() ?? false }
        #expect(isStored == [true])
        let size = FileSystem.contents(ofFile: "\(directory.path)/k.data")?.count ?? 0
        #expect(size > 0 && size < object.byteCount * 6 / 10)
        let found = Threads.map(1) { _ in backend.getBlocking("k") }[0]
        #expect(found?.metadata == metadata)
        found?.release()
        object.release()
    }
}
