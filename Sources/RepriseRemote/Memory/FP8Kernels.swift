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
        code = choose(
            units,
            over: code,
            where: isLess(magnitude, Words(repeating: Float(0.015625).bitPattern))
        )
        code = choose(code, over: 0x7E, where: isLess(magnitude, Words(repeating: maximum.bitPattern)))
        let isNoNumber = isLess(Words(repeating: Float.infinity.bitPattern), magnitude)
        code = choose(Words(repeating: 0x7F), over: code, where: isNoNumber)
        return Codes(truncatingIfNeeded: code | sign)
    }

    /// The numbers that codes stand for.
    static func numbers(of codes: Codes) -> Floats {
        let words = Words(truncatingIfNeeded: codes)
        // With the exponent's bias of 127 the bits are those of a number 2^120 times as small.
        let power = Float(sign: .plus, exponent: 120, significand: 1)
        let magnitude = unsafe unsafeBitCast((words & 0x7F) &<< 20, to: Floats.self) * power
        let bits = unsafe unsafeBitCast(magnitude, to: Words.self)
        // All ones where the code is that for no number.
        let isNoNumber = Words(repeating: 0) &- (((words & 0x7F) &+ 1) &>> 7)
        let result = bits | (isNoNumber & Float.nan.bitPattern) | ((words & 0x80) &<< 24)
        return unsafe unsafeBitCast(result, to: Floats.self)
    }

    /// The larger magnitude in each lane; what is no finite number counts as zero.
    static func larger(_ left: Floats, _ right: Floats) -> Floats {
        // Numbers that are not negative have the order of their bits.
        let bits = unsafe unsafeBitCast(right, to: Words.self) & 0x7FFF_FFFF
        let magnitude = bits & isLess(bits, Words(repeating: Float.infinity.bitPattern))
        let largest = unsafe unsafeBitCast(left, to: Words.self)
        let result = choose(magnitude, over: largest, where: isLess(largest, magnitude))
        return unsafe unsafeBitCast(result, to: Floats.self)
    }

    // Choices by lanes that the compiler turns into loops over memory are made of words here.

    /// All ones in the lanes in which one word is less than another; both below 2^31.
    @inline(__always)
    private static func isLess(_ left: Words, _ right: Words) -> Words {
        Words(repeating: 0) &- ((left &- right) &>> 31)
    }

    /// The first words where the mask is all ones, and the second where it is zero.
    @inline(__always)
    private static func choose(_ first: Words, over second: Words, where mask: Words) -> Words {
        (first & mask) | (second & ~mask)
    }

    @inline(__always)
    private static func choose(_ first: Words, over second: UInt32, where mask: Words) -> Words {
        choose(first, over: Words(repeating: second), where: mask)
    }
}
