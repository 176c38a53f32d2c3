internal import Glibc
internal import RepriseCore

/// Reads and writes a tensor's elements as numbers.
struct TensorElements {
    private let dtype: DType

    /// - Precondition: the type is float16, bfloat16 or float32.
    init(_ dtype: DType) {
        precondition([.float16, .bfloat16, .float32].contains(dtype), "no numbers of 16 or 32 bits")
        self.dtype = dtype
    }

    /// The bytes of so many numbers, rounded to the type.
    func bytes(_ count: Int, _ next: () -> Float) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * dtype.byteCount)
        for _ in 0..<count {
            let number = next()
            var bits =
                switch dtype {
                case .float16: UInt32(Float16(number).bitPattern)
                case .bfloat16: number.bitPattern >> 16
                default: number.bitPattern
                }
            for _ in 0..<dtype.byteCount {
                bytes.append(UInt8(truncatingIfNeeded: bits))
                bits >>= 8
            }
        }
        return bytes
    }

    private func element(_ bytes: RawSpan, _ index: Int) -> Float {
        var bits: UInt32 = 0
        for byte in (0..<dtype.byteCount).reversed() {
            bits = bits << 8 | UInt32(bytes.loadByte(at: index * dtype.byteCount + byte))
        }
        switch dtype {
        case .float16: return Float(Float16(bitPattern: UInt16(bits)))
        case .bfloat16: return Float(bitPattern: bits << 16)
        default: return Float(bitPattern: bits)
        }
    }

    /// How far a tensor is from another one of the same size.
    func error(_ before: RawSpan, _ after: RawSpan) -> TensorError {
        var error = TensorError()
        guard before.byteCount == after.byteCount else { return error }
        error.elementCount = before.byteCount / dtype.byteCount
        var (squares, otherSquares, products, differences) = (0.0, 0.0, 0.0, 0.0)
        for index in 0..<error.elementCount {
            let (old, new) = (Double(element(before, index)), Double(element(after, index)))
            if old == new { error.equalCount += 1 }
            error.absoluteMax = max(error.absoluteMax, abs(old - new))
            differences += (old - new) * (old - new)
            squares += old * old
            otherSquares += new * new
            products += old * new
        }
        if squares > 0 { error.relativeRMS = (differences / squares).squareRoot() }
        if squares > 0, otherSquares > 0 {
            error.cosine = products / (squares.squareRoot() * otherSquares.squareRoot())
        }
        return error
    }
}

/// Numbers of the standard normal distribution (Box, Muller: Annals of Mathematical Statistics 29, 1958).
struct NormalNumbers {
    private var generator: SplitMix64

    init(seed: UInt64) { generator = SplitMix64(seed: seed) }

    mutating func next() -> Float {
        let radius = (-2 * log(Double.random(in: 0x1p-60...1, using: &generator))).squareRoot()
        return Float(radius * cos(2 * Double.pi * Double.random(in: 0..<1, using: &generator)))
    }
}
