internal import RepriseCore

/// BLAKE3 in its plain mode with 32 bytes of output.
///
/// - Source: O'Connor, Aumasson, Neves, Wilcox-O'Hearn, "BLAKE3: one function, fast everywhere", §§ 2.1–2.5.
internal enum BLAKE3 {
    /// Bytes in a leaf of the tree.
    private static let leafByteCount = 1024
    private static let blockByteCount = 64

    /// Hashes a message.
    ///
    /// - Complexity: O(bytes), and O(log bytes) space.
    static func hash(_ message: RawSpan) -> ChunkDigest {
        guard message.byteCount > leafByteCount else {
            return digest(leaf(message, index: 0, isRoot: true))
        }
        // Subtrees that wait for their right siblings, the largest first; as many as the leaf count has bits
        // set.
        var pending: [SIMD8<UInt32>] = []
        var leafCount: UInt64 = 0
        var offset = 0
        while message.byteCount - offset > leafByteCount {
            var value = leaf(
                message.extracting(offset..<(offset + leafByteCount)),
                index: leafCount,
                isRoot: false
            )
            offset += leafByteCount
            leafCount += 1
            for _ in 0..<leafCount.trailingZeroBitCount {
                value = parent(pending.removeLast(), value, isRoot: false)
            }
            pending.append(value)
        }
        var value = leaf(message.extracting(offset..<message.byteCount), index: leafCount, isRoot: false)
        while let left = pending.popLast() {
            value = parent(left, value, isRoot: pending.isEmpty)
        }
        return digest(value)
    }

    private static func leaf(_ bytes: RawSpan, index: UInt64, isRoot: Bool) -> SIMD8<UInt32> {
        var value = BLAKE3Compression.initialValue
        var flags = BLAKE3Compression.Flags.leafStart
        var offset = 0
        while bytes.byteCount - offset > blockByteCount {
            let block = fullBlock(bytes, at: offset)
            value = BLAKE3Compression.compress(
                value,
                block,
                index: index,
                byteCount: blockByteCount,
                flags: flags
            )
            flags = []
            offset += blockByteCount
        }
        flags.insert(.leafEnd)
        if isRoot { flags.insert(.root) }
        let byteCount = bytes.byteCount - offset
        let block =
            byteCount == blockByteCount ? fullBlock(bytes, at: offset) : partialBlock(bytes, at: offset)
        return BLAKE3Compression.compress(value, block, index: index, byteCount: byteCount, flags: flags)
    }

    private static func parent(
        _ left: SIMD8<UInt32>,
        _ right: SIMD8<UInt32>,
        isRoot: Bool
    ) -> SIMD8<UInt32> {
        BLAKE3Compression.compress(
            BLAKE3Compression.initialValue,
            SIMD16(lowHalf: left, highHalf: right),
            index: 0,
            byteCount: blockByteCount,
            flags: isRoot ? [.parent, .root] : .parent
        )
    }

    @inline(__always)
    private static func fullBlock(_ bytes: RawSpan, at offset: Int) -> SIMD16<UInt32> {
        var block = SIMD16<UInt32>()
        for index in 0..<16 {
            block[index] = bytes.loadLittleEndian(at: offset + 4 * index, as: UInt32.self)
        }
        return block
    }

    /// The rest of the message, filled up with zeros.
    private static func partialBlock(_ bytes: RawSpan, at offset: Int) -> SIMD16<UInt32> {
        var block = SIMD16<UInt32>()
        for index in offset..<bytes.byteCount {
            let place = index - offset
            block[place / 4] |= UInt32(bytes.loadByte(at: index)) &<< UInt32(place % 4 * 8)
        }
        return block
    }

    private static func digest(_ value: SIMD8<UInt32>) -> ChunkDigest {
        func word(_ index: Int) -> UInt64 {
            UInt64(value[index].byteSwapped) &<< 32 | UInt64(value[index + 1].byteSwapped)
        }
        return ChunkDigest(bigEndianWords: word(0), word(2), word(4), word(6))
    }
}
