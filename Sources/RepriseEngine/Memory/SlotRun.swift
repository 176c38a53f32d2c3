internal import RepriseCore

/// Slots that follow each other.
struct SlotRun: Hashable {
    let first: Int
    var count: Int
}

extension PagedPlacement {
    /// The runs of slots in which tokens lie, in their order; neighbours are one run.
    ///
    /// All that can be wrong with a placement is found here, so that nobody needs to look again.
    ///
    /// - Throws: `invalidArgument` when the placement does not have the tokens, or names slots that there
    ///   are not.
    /// - Complexity: O(tokens) for a slot mapping, O(blocks) for a block table; one allocation.
    func runs(of tokens: Range<Int>, slotCount: Int) throws(StorageError) -> [SlotRun] {
        switch self {
        case .slots(let slots): try Self.runs(of: tokens, in: slots, slotCount: slotCount)
        case .blocks(let table): try Self.runs(of: tokens, in: table, slotCount: slotCount)
        }
    }

    private static func runs(
        of tokens: Range<Int>,
        in slots: [Int],
        slotCount: Int
    ) throws(StorageError) -> [SlotRun] {
        guard tokens.lowerBound >= 0, tokens.upperBound <= slots.count else {
            throw missing(tokens, "a slot mapping of \(slots.count) tokens")
        }
        var runs: [SlotRun] = []
        var run = SlotRun(first: -1, count: 0)
        let slots = slots.span.extracting(tokens)
        for index in slots.indices {
            let slot = slots[index]
            // Also what is negative.
            guard UInt(bitPattern: slot) < UInt(bitPattern: slotCount) else {
                throw StorageError(.invalidArgument, "a slot mapping names slot \(slot) of \(slotCount)")
            }
            if slot == run.first &+ run.count {
                run.count &+= 1
            } else {
                if run.count > 0 { runs.append(run) }
                run = SlotRun(first: slot, count: 1)
            }
        }
        if run.count > 0 { runs.append(run) }
        return runs
    }

    private static func runs(
        of tokens: Range<Int>,
        in table: BlockTable,
        slotCount: Int
    ) throws(StorageError) -> [SlotRun] {
        let blockSize = table.blockSize
        // Written so that no product overflows.
        guard tokens.lowerBound >= 0,
            tokens.isEmpty || (tokens.upperBound - 1) / blockSize < table.blocks.count
        else { throw missing(tokens, "a block table of \(table.blocks.count) times \(blockSize) tokens") }
        let blockCount = slotCount / blockSize
        var runs: [SlotRun] = []
        var token = tokens.lowerBound
        while token < tokens.upperBound {
            let block = table.blocks[token / blockSize]
            guard UInt(bitPattern: block) < UInt(bitPattern: blockCount) else {
                throw StorageError(.invalidArgument, "a block table names block \(block) of \(blockCount)")
            }
            let first = block * blockSize + token % blockSize
            let count = min(blockSize - token % blockSize, tokens.upperBound - token)
            if let last = runs.last, last.first + last.count == first {
                runs[runs.count - 1].count += count
            } else {
                runs.append(SlotRun(first: first, count: count))
            }
            token += count
        }
        return runs
    }

    private static func missing(_ tokens: Range<Int>, _ what: String) -> StorageError {
        StorageError(.invalidArgument, "\(what) does not have all of tokens \(tokens)")
    }
}
