import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseEngine

/// A paged cache and its objects, byte by byte, in every format that has tokens.
@Suite struct PagedHostMemoryTests {
    private static let slotCount = 96
    private let pool: MemoryPool

    init() throws { pool = try MemoryPool(MemoryPool.Configuration(byteCount: 4 << 20)) }

    /// Formats of all layers and of one, and how many layers there are.
    static let formats: [(MemoryFormat, MemoryFormat, Int)] = [
        (.kv2LTD, .kvT2D, 3), (.kv2LTD, .kv2TD, 3), (.kvMLA, .kvMLA, 3), (.kvT2D, .kvT2D, 1),
        (.kv2TD, .kv2TD, 1), (.ecTD, .ecTD, 1), (.hsTD, .hsTD, 1),
    ]

    private func make(
        _ format: MemoryFormat,
        _ layerFormat: MemoryFormat,
        _ layerCount: Int,
        _ order: PagedLayout.Order = .planes
    ) throws -> PagedHostMemory {
        let layout = try PagedLayout(
            format: format,
            layerFormat: layerFormat,
            layerCount: layerCount,
            rowElementCount: 3,
            dtype: .float16,
            order: order
        )
        return PagedHostMemory(layout, slotCount: Self.slotCount)
    }

    private static func byte(_ layer: Int, _ plane: Int, _ slot: Int, _ index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: 1 + ((layer * 2 + plane) * slotCount + slot) * 6 + index)
    }

    private func fill(_ cache: PagedHostMemory) {
        for layer in 0..<cache.layerCount {
            for plane in 0..<cache.layout.planeCount {
                for slot in 0..<Self.slotCount {
                    cache.withRow(layer: layer, slot: slot, isValue: plane == 1) { row in
                        for index in 0..<row.byteCount {
                            row.storeBytes(
                                of: Self.byte(layer, plane, slot, index),
                                toByteOffset: index,
                                as: UInt8.self
                            )
                        }
                    }
                }
            }
        }
    }

    private func row(_ cache: PagedHostMemory, _ layer: Int, _ plane: Int, _ slot: Int) -> [UInt8] {
        cache.withRow(layer: layer, slot: slot, isValue: plane == 1) { [UInt8](copying: $0.bytes) }
    }

    /// What an object of a format holds, from the meaning of its dimensions.
    private static func expected(_ format: MemoryFormat, _ layers: Range<Int>, _ slots: [Int]) -> [UInt8] {
        let planes = [.kvMLA, .ecTD, .hsTD].contains(format) ? 0..<1 : 0..<2
        let row = { (layer: Int, plane: Int, slot: Int) in (0..<6).map { byte(layer, plane, slot, $0) } }
        switch format {
        case .kvT2D:
            return slots.flatMap { slot in planes.flatMap { row(layers.lowerBound, $0, slot) } }
        default:
            return planes.flatMap { plane in
                layers.flatMap { layer in slots.flatMap { row(layer, plane, $0) } }
            }
        }
    }

    private static func order(_ random: inout SeededGenerator) -> PagedLayout.Order {
        Bool.random(using: &random) ? .planes : .slots
    }

    /// A placement and the slots that it comes to.
    private static func placement(_ count: Int, _ random: inout SeededGenerator) -> (PagedPlacement, [Int]) {
        guard Bool.random(using: &random) else {
            var slots = Array(0..<slotCount)
            if Bool.random(using: &random) { slots.shuffle(using: &random) }
            slots = Array(slots.prefix(count))
            return (.slots(slots), slots)
        }
        let blockSize = Int.random(in: 1...20, using: &random)
        var blocks = Array(0..<slotCount / blockSize)
        if Bool.random(using: &random) { blocks.shuffle(using: &random) }
        let slots = blocks.flatMap { block in (0..<blockSize).map { block * blockSize + $0 } }
        return (.blocks(BlockTable(blockSize: blockSize, blocks: blocks)), slots)
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `objects hold what their format says, and come back to any slots`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for (format, layerFormat, layerCount) in Self.formats {
            let from = try make(format, layerFormat, layerCount, Self.order(&random))
            fill(from)
            let (source, slots) = Self.placement(80, &random)
            let (target, targets) = Self.placement(80, &random)
            let end = Int.random(in: 1...min(slots.count, targets.count), using: &random)
            let tokens = Int.random(in: 0..<end, using: &random)..<end
            let to = try make(format, layerFormat, layerCount, Self.order(&random))
            let object = try pool.allocate(from.metadata(tokenCount: tokens.count))
            try from.gather(tokens, of: source, into: object)
            let wanted = Self.expected(format, 0..<layerCount, Array(slots[tokens]))
            #expect([UInt8](copying: object.bytes) == wanted)
            try to.scatter(object, to: tokens, of: target)
            object.release()
            check(to, from, Array(targets[tokens]), Array(slots[tokens]))
        }
        #expect(pool.usedByteCount == 0)
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `layers hold what their format says, and come back one by one`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for (format, layerFormat, layerCount) in Self.formats {
            let from = try make(format, layerFormat, layerCount, Self.order(&random))
            fill(from)
            let (source, slots) = Self.placement(80, &random)
            let (target, targets) = Self.placement(80, &random)
            let end = Int.random(in: 1...min(slots.count, targets.count), using: &random)
            let tokens = Int.random(in: 0..<end, using: &random)..<end
            let to = try make(format, layerFormat, layerCount, Self.order(&random))
            for layer in 0..<layerCount {
                let object = try pool.allocate(from.layerMetadata(tokenCount: tokens.count))
                defer { object.release() }
                try from.gather(tokens, layer: layer, of: source, into: object)
                let wanted = Self.expected(layerFormat, layer..<layer + 1, Array(slots[tokens]))
                #expect([UInt8](copying: object.bytes) == wanted)
                try to.scatter(object, layer: layer, to: tokens, of: target)
            }
            check(to, from, Array(targets[tokens]), Array(slots[tokens]))
        }
        #expect(pool.usedByteCount == 0)
    }

    /// The rows that were copied are there, and all others are zero.
    private func check(_ to: PagedHostMemory, _ from: PagedHostMemory, _ targets: [Int], _ slots: [Int]) {
        let sources = Dictionary(zip(targets, slots)) { _, last in last }
        let isRight = (0..<to.layerCount).allSatisfy { layer in
            (0..<to.layout.planeCount).allSatisfy { plane in
                (0..<Self.slotCount).allSatisfy { slot in
                    let wanted = sources[slot].map { row(from, layer, plane, $0) }
                    return row(to, layer, plane, slot) == wanted ?? [UInt8](repeating: 0, count: 6)
                }
            }
        }
        #expect(isRight)
    }

    @Test(arguments: [.binary, .binaryBuffer, .undefined] as [MemoryFormat])
    func `a format without tokens is refused`(format: MemoryFormat) {
        let error = #expect(throws: StorageError.self) {
            try PagedLayout(format: format, layerCount: 1, rowElementCount: 8, dtype: .float16)
        }
        #expect(error?.code == .unsupported)
    }

    static let badLayouts: [(MemoryFormat, MemoryFormat?, Int, Int)] = [
        (.kvT2D, nil, 2, 8), (.ecTD, nil, 2, 8), (.kv2LTD, .ecTD, 2, 8), (.kvMLA, .kvT2D, 2, 8),
        (.kv2LTD, .kv2LTD, 2, 8), (.kv2LTD, nil, 0, 8), (.kv2LTD, nil, 2, 0), (.hsTD, .ecTD, 1, 8),
    ]

    @Test(arguments: badLayouts)
    func `a layout that cannot be is refused`(
        format: MemoryFormat,
        layerFormat: MemoryFormat?,
        layerCount: Int,
        rowElementCount: Int
    ) {
        let error = #expect(throws: StorageError.self) {
            try PagedLayout(
                format: format,
                layerFormat: layerFormat,
                layerCount: layerCount,
                rowElementCount: rowElementCount,
                dtype: .float16
            )
        }
        #expect(error?.code == .invalidArgument)
    }

    static let badPlacements: [PagedPlacement] = [
        .slots([0, 1]), .slots([0, 1, 2, 96]), .slots([0, 1, -1, 3]), .slots([0, 1, .max, .min]),
        .blocks(BlockTable(blockSize: 3, blocks: [0])), .blocks(BlockTable(blockSize: 2, blocks: [0, 48])),
        .blocks(BlockTable(blockSize: 2, blocks: [0, -1])), .blocks(BlockTable(blockSize: 50, blocks: [1])),
        .blocks(BlockTable(blockSize: .max, blocks: [.max])), .blocks(BlockTable(blockSize: 4, blocks: [])),
    ]

    @Test(arguments: badPlacements)
    func `a placement that is not in the cache is refused before anything is copied`(
        placement: PagedPlacement
    ) throws {
        let cache = try make(.kv2LTD, .kvT2D, 2)
        let object = try pool.allocate(cache.metadata(tokenCount: 4))
        defer { object.release() }
        object.copy(from: [UInt8](repeating: 9, count: object.byteCount).rawSpan)
        #expect(throws: StorageError.self) { try cache.scatter(object, to: 0..<4, of: placement) }
        #expect(throws: StorageError.self) { try cache.gather(0..<4, of: placement, into: object) }
        #expect(row(cache, 0, 0, 0) == [UInt8](repeating: 0, count: 6))
        #expect([UInt8](copying: object.bytes).allSatisfy { $0 == 9 })
    }

    @Test func `an object of another kind, tokens before the first and a layer too many are refused`() throws
    {
        let cache = try make(.kv2LTD, .kvT2D, 2)
        let slots = PagedPlacement.slots(Array(0..<8))
        let whole = try pool.allocate(cache.metadata(tokenCount: 4))
        let layer = try pool.allocate(cache.layerMetadata(tokenCount: 4))
        defer { for object in [whole, layer] { object.release() } }
        #expect(throws: StorageError.self) { try cache.gather(0..<5, of: slots, into: whole) }
        #expect(throws: StorageError.self) { try cache.gather(0..<4, of: slots, into: layer) }
        #expect(throws: StorageError.self) { try cache.gather(0..<4, layer: 0, of: slots, into: whole) }
        for number in [-1, 2] {
            #expect(throws: StorageError.self) {
                try cache.scatter(layer, layer: number, to: 0..<4, of: slots)
            }
        }
        #expect(throws: StorageError.self) { try cache.gather(-4..<0, of: slots, into: whole) }
        try cache.gather(4..<8, of: slots, into: whole)
    }

    @Test(
        arguments: [
            ([], []), ([5], [1]), ([5, 6, 7], [3]), ([5, 7, 8, 1], [1, 2, 1]), ([3, 2, 1], [1, 1, 1]),
        ] as [([Int], [Int])]
    )
    func `slots that follow each other are one run`(slots: [Int], counts: [Int]) throws {
        let runs = try PagedPlacement.slots(slots).runs(of: slots.indices, slotCount: 10)
        #expect(runs.map(\.count) == counts)
        #expect(runs.flatMap { Array($0.first..<$0.first + $0.count) } == slots)
    }

    @Test func `blocks that follow each other are one run`() throws {
        let table = PagedPlacement.blocks(BlockTable(blockSize: 4, blocks: [2, 3, 0, 1, 5]))
        let runs = try table.runs(of: 3..<18, slotCount: 24)
        #expect(
            runs == [SlotRun(first: 11, count: 5), SlotRun(first: 0, count: 8), SlotRun(first: 20, count: 2)]
        )
        #expect(try table.runs(of: 20..<20, slotCount: 24) == [])
    }
}
