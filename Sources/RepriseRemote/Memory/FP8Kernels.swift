internal import RepriseCore

// SAFETY, whole file: callers give objects that they hold, and positions that they have checked against the
// objects' sizes; loads and stores need no alignment.

/// Numbers between a tensor's element type and eight bits of E4M3.
///
/// E4M3 has a sign, four bits of exponent with a bias of 7, and three of mantissa; its largest number is 448,
/// and it has no infinity.
///
/// - Source: Micikevicius et al., "FP8 Formats for Deep Learning", 2022; Open Compute Project, OFP8.
enum FP8Kernels {
    /// The largest number.
    static let maximum: Float = 448
    /// Numbers that are worked on at a time.
    static let laneCount = 16

    typealias Floats = SIMD16<Float>
    typealias Words = SIMD16<UInt32>
    typealias Codes = SIMD16<UInt8>

    /// The codes that are nearest to numbers; ties go to the even one, what is too large to the largest, and
    /// what is no number to the code for that.
    static func codes(of numbers: Floats) -> Codes {
        let bits = unsafe unsafeBitCast(numbers, to: Words.self)
        let sign = (bits &>> 24) & 0x80
        let magnitude = bits & 0x7FFF_FFFF
        // Half of what is cut off is added, and one less for an even result.
        let isOdd = (magnitude &>> 20) & 1
        var code = ((magnitude &+ 0x7_FFFF &+ isOdd) &>> 20) &- (120 << 3)
        // Below 2^-6 a unit is 2^-9: adding 2^14 leaves the number of units in the last bits.
        let small = unsafe unsafeBitCast(magnitude, to: Floats.self) + 16_384
        let units = unsafe unsafeBitCast(small, to: Words.self) &- Float(16_384).bitPattern
        code.replace(with: units, where: magnitude .< Words(repeating: Float(0.015625).bitPattern))
        code.replace(with: 0x7E, where: magnitude .>= Words(repeating: maximum.bitPattern))
        code.replace(with: 0x7F, where: magnitude .> Words(repeating: Float.infinity.bitPattern))
        return Codes(truncatingIfNeeded: code | sign)
    }

    /// The numbers that codes stand for.
    static func numbers(of codes: Codes) -> Floats {
        let words = Words(truncatingIfNeeded: codes)
        // With the exponent's bias of 127 the bits are those of a number 2^120 times as small.
        let power = Float(sign: .plus, exponent: 120, significand: 1)
        let magnitude = unsafe unsafeBitCast((words & 0x7F) &<< 20, to: Floats.self) * power
        var bits = unsafe unsafeBitCast(magnitude, to: Words.self)
        bits.replace(with: Float.nan.bitPattern, where: (words & 0x7F) .== 0x7F)
        return unsafe unsafeBitCast(bits | ((words & 0x80) &<< 24), to: Floats.self)
    }

    /// The larger magnitude in each lane; what is no finite number counts as zero.
    static func larger(_ left: Floats, _ right: Floats) -> Floats {
        let bits = unsafe unsafeBitCast(right, to: Words.self) & 0x7FFF_FFFF
        var magnitude = unsafe unsafeBitCast(bits, to: Floats.self)
        magnitude.replace(with: 0 as Float, where: bits .>= Words(repeating: Float.infinity.bitPattern))
        return left.replacing(with: magnitude, where: magnitude .> left)
    }
}
