import RepriseEngine

/// Hands out the blocks of a paged cache, as an inference engine's scheduler does.
struct BlockAllocator {
    /// Tokens that a block has room for.
    static let blockSize = 16

    /// A prompt for which the cache is too small.
    struct NoRoom: Error, CustomStringConvertible {
        let slotCount: Int
        var description: String { "the model's cache has room for \(slotCount) tokens" }
    }

    private let slotCount: Int
    private var free: [Int]

    init(slotCount: Int) {
        self.slotCount = slotCount
        free = Array(0..<slotCount / Self.blockSize)
    }

    /// Takes blocks for so many tokens.
    mutating func take(forTokens count: Int) throws(NoRoom) -> BlockTable {
        let blockCount = (count + Self.blockSize - 1) / Self.blockSize
        guard blockCount <= free.count else { throw NoRoom(slotCount: slotCount) }
        defer { free.removeLast(blockCount) }
        return BlockTable(blockSize: Self.blockSize, blocks: free.suffix(blockCount))
    }

    /// Gives a request's blocks back, in an order of their own: prompts come to lie scattered.
    mutating func giveBack(_ table: BlockTable) {
        free.append(contentsOf: table.blocks)
        free.shuffle()
    }
}

extension BlockTable {
    /// The slots of a request's first tokens.
    func slots(_ count: Int) -> [Int] {
        (0..<count).map { blocks[$0 / blockSize] * blockSize + $0 % blockSize }
    }
}
