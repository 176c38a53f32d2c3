internal import RepriseCore

// SAFETY, whole file: callers hold the objects; their sizes are compared with the cut's before a byte of them
// is touched.

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
    /// Writes a tensor's codes into an object, from an offset on, and returns each head's scale.
    ///
    /// - Precondition: the tensor has the cut's elements, and the object room for as many bytes.
    func encode(_ tensor: MemoryObject, into encoded: MemoryObject, at offset: Int) -> [Float] {
        switch tensor.metadata.dtype {
        case .float16: encode(tensor, Float16Element.self, into: encoded, at: offset)
        case .bfloat16: encode(tensor, BFloat16Element.self, into: encoded, at: offset)
        default: encode(tensor, Float32Element.self, into: encoded, at: offset)
        }
    }

    private func encode<Element: FP8Element>(
        _ tensor: MemoryObject,
        _ element: Element.Type,
        into encoded: MemoryObject,
        at offset: Int
    ) -> [Float] {
        check(tensor, Element.byteCount, encoded, offset)
        guard let values = unsafe tensor.mutableBytes.baseAddress,
            let codes = unsafe encoded.mutableBytes.baseAddress
        else { return [] }
        let scales = unsafe scales(of: values, element)
        forEachLane(scales) { position, scale in
            let numbers = unsafe Element.load(values + position * Element.byteCount) / scale
            unsafe (codes + offset + position).storeBytes(
                of: FP8Kernels.codes(of: numbers),
                as: FP8Kernels.Codes.self
            )
        }
        return scales
    }

    /// Fills a tensor with what codes in an object, from an offset on, and scales stand for.
    ///
    /// - Precondition: as for ``encode(_:into:at:)``, and there is a scale for each head of each block.
    func decode(_ encoded: MemoryObject, at offset: Int, _ scales: [Float], into tensor: MemoryObject) {
        switch tensor.metadata.dtype {
        case .float16: decode(encoded, at: offset, scales, into: tensor, Float16Element.self)
        case .bfloat16: decode(encoded, at: offset, scales, into: tensor, BFloat16Element.self)
        default: decode(encoded, at: offset, scales, into: tensor, Float32Element.self)
        }
    }

    private func decode<Element: FP8Element>(
        _ encoded: MemoryObject,
        at offset: Int,
        _ scales: [Float],
        into tensor: MemoryObject,
        _ element: Element.Type
    ) {
        check(tensor, Element.byteCount, encoded, offset)
        precondition(scales.count == scaleCount, "a scale for each head of each block")
        guard let values = unsafe tensor.mutableBytes.baseAddress,
            let codes = unsafe encoded.mutableBytes.baseAddress
        else { return }
        forEachLane(scales) { position, scale in
            let lanes = unsafe (codes + offset + position).loadUnaligned(as: FP8Kernels.Codes.self)
            unsafe Element.store(
                FP8Kernels.numbers(of: lanes) * scale,
                values + position * Element.byteCount
            )
        }
    }

    private func check(_ tensor: MemoryObject, _ byteCount: Int, _ encoded: MemoryObject, _ offset: Int) {
        precondition(tensor.byteCount == elementCount * byteCount, "a tensor of another size than the cut's")
        precondition(offset >= 0 && elementCount <= encoded.byteCount - offset, "codes past the object's end")
    }

    /// Each head's scale: its largest number is the largest of E4M3.
    private func scales<Element: FP8Element>(of values: UnsafeRawPointer, _ element: Element.Type) -> [Float]
    {
        var scales = [Float](repeating: 1, count: scaleCount)
        for block in 0..<blockCount {
            var largest = [FP8Kernels.Floats](repeating: .init(repeating: 0), count: headCount)
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
                let scale = largest[head].max() / FP8Kernels.maximum
                // Numbers that are too small for one are kept as zeros.
                if scale.isNormal { scales[block * headCount + head] = scale }
            }
        }
        return scales
    }

    /// Calls a function with the position of each sixteen elements, and their head's scale.
    private func forEachLane(_ scales: [Float], _ body: (_ position: Int, _ scale: Float) -> Void) {
        var position = 0
        for block in 0..<blockCount {
            for _ in 0..<tokenCount {
                for head in 0..<headCount {
                    let scale = scales[block * headCount + head]
                    for _ in 0..<(headElementCount / FP8Kernels.laneCount) {
                        body(position, scale)
                        position += FP8Kernels.laneCount
                    }
                }
            }
        }
    }
}
