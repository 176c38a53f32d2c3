internal import RepriseCore

// SAFETY, whole file: callers give addresses of sixteen elements; loads and stores need no alignment.

/// An element type that E4M3 is made of and turned back to.
protocol FP8Element {
    static var byteCount: Int { get }
    /// Sixteen elements as numbers.
    static func load(_ address: UnsafeRawPointer) -> FP8Kernels.Floats
    /// Stores sixteen numbers, rounded to the nearest.
    static func store(_ numbers: FP8Kernels.Floats, _ address: UnsafeMutableRawPointer)
}

enum Float32Element: FP8Element {
    static var byteCount: Int { 4 }

    static func load(_ address: UnsafeRawPointer) -> FP8Kernels.Floats {
        unsafe address.loadUnaligned(as: FP8Kernels.Floats.self)
    }

    static func store(_ numbers: FP8Kernels.Floats, _ address: UnsafeMutableRawPointer) {
        unsafe address.storeBytes(of: numbers, as: FP8Kernels.Floats.self)
    }
}

enum Float16Element: FP8Element {
    static var byteCount: Int { 2 }

    static func load(_ address: UnsafeRawPointer) -> FP8Kernels.Floats {
        FP8Kernels.Floats(unsafe address.loadUnaligned(as: SIMD16<Float16>.self))
    }

    static func store(_ numbers: FP8Kernels.Floats, _ address: UnsafeMutableRawPointer) {
        unsafe address.storeBytes(of: SIMD16<Float16>(numbers), as: SIMD16<Float16>.self)
    }
}

enum BFloat16Element: FP8Element {
    static var byteCount: Int { 2 }

    static func load(_ address: UnsafeRawPointer) -> FP8Kernels.Floats {
        let halves = unsafe address.loadUnaligned(as: SIMD16<UInt16>.self)
        return unsafe unsafeBitCast(
            FP8Kernels.Words(truncatingIfNeeded: halves) &<< 16,
            to: FP8Kernels.Floats.self
        )
    }

    static func store(_ numbers: FP8Kernels.Floats, _ address: UnsafeMutableRawPointer) {
        let bits = unsafe unsafeBitCast(numbers, to: FP8Kernels.Words.self)
        // Half of what is cut off, one less for an even result; a number that is none stays one.
        var rounded = (bits &+ 0x7FFF &+ ((bits &>> 16) & 1)) &>> 16
        rounded.replace(with: 0x7FC0, where: (bits & 0x7FFF_FFFF) .> FP8Kernels.Words(repeating: 0x7F80_0000))
        unsafe address.storeBytes(of: SIMD16<UInt16>(truncatingIfNeeded: rounded), as: SIMD16<UInt16>.self)
    }
}
