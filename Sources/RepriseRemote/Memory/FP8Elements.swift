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

/// How a tensor is cut for its scales: blocks of tokens, and in each token heads.
struct FP8Cut: Equatable {
    /// Blocks, each with all tokens: a layer's keys, for example.
    let blockCount: Int
    let tokenCount: Int
    let headCount: Int
    let headElementCount: Int

    /// Elements of one token in one block.
    var rowElementCount: Int { headCount * headElementCount }
    var scaleCount: Int { blockCount * headCount }
    var elementCount: Int { blockCount * tokenCount * rowElementCount }

    /// `nil` when values of this layout are not cut into heads of so many elements.
    init?(_ metadata: MemoryObjectMetadata, headElementCount: Int) {
        let dimensions = metadata.shape.dimensions
        guard let token = metadata.format?.tokenDimension, token < dimensions.count - 1,
            let total = metadata.shape.elementCount, total > 0, headElementCount > 0,
            headElementCount.isMultiple(of: FP8Kernels.laneCount)
        else { return nil }
        let row = dimensions[(token + 1)...].reduce(1, *)
        guard row.isMultiple(of: headElementCount) else { return nil }
        blockCount = dimensions[..<token].reduce(1, *)
        tokenCount = dimensions[token]
        headCount = row / headElementCount
        self.headElementCount = headElementCount
    }
}

extension FP8Cut {
    /// Each head's scale: its largest number is the largest of E4M3.
    func scales<Element: FP8Element>(of values: UnsafeRawPointer, _ element: Element.Type) -> [Float] {
        var scales = [Float](repeating: 1, count: scaleCount)
        var largest = [FP8Kernels.Floats](repeating: .zero, count: headCount)
        for block in 0..<blockCount {
            for head in 0..<headCount { largest[head] = .zero }
            for token in 0..<tokenCount {
                let row = unsafe values + (block * tokenCount + token) * rowElementCount * Element.byteCount
                for head in 0..<headCount {
                    for lane in stride(from: 0, to: headElementCount, by: FP8Kernels.laneCount) {
                        let offset = (head * headElementCount + lane) * Element.byteCount
                        largest[head] = FP8Kernels.larger(largest[head], unsafe Element.load(row + offset))
                    }
                }
            }
            for head in 0..<headCount {
                let maximum = largest[head].max()
                if maximum > 0 { scales[block * headCount + head] = maximum / FP8Kernels.maximum }
            }
        }
        return scales
    }

    /// Calls a function with the offset of each sixteen elements, and their head's scale.
    private func forEachLane(_ scales: [Float], _ body: (_ element: Int, _ scale: Float) -> Void) {
        var element = 0
        for block in 0..<blockCount {
            for _ in 0..<tokenCount {
                for head in 0..<headCount {
                    let scale = scales[block * headCount + head]
                    for _ in 0..<(headElementCount / FP8Kernels.laneCount) {
                        body(element, scale)
                        element += FP8Kernels.laneCount
                    }
                }
            }
        }
    }

    func encode<Element: FP8Element>(
        _ values: UnsafeRawPointer,
        _ element: Element.Type,
        _ scales: [Float],
        to codes: UnsafeMutableRawPointer
    ) {
        forEachLane(scales) { offset, scale in
            let numbers = unsafe Element.load(values + offset * Element.byteCount) / scale
            unsafe (codes + offset).storeBytes(of: FP8Kernels.codes(of: numbers), as: FP8Kernels.Codes.self)
        }
    }

    func decode<Element: FP8Element>(
        _ codes: UnsafeRawPointer,
        _ element: Element.Type,
        _ scales: [Float],
        to values: UnsafeMutableRawPointer
    ) {
        forEachLane(scales) { offset, scale in
            let numbers = FP8Kernels.numbers(
                of: unsafe (codes + offset).loadUnaligned(as: FP8Kernels.Codes.self)
            )
            unsafe Element.store(numbers * scale, values + offset * Element.byteCount)
        }
    }
}
