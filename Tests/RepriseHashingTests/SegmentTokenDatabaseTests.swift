import RepriseCore
import RepriseHashing
import RepriseTesting
import Testing

/// Prompts cut at separators: spec and LMCache's own rules, without their faults.
@Suite struct SegmentTokenDatabaseTests {
    static func database(
        _ separator: TokenArray,
        _ algorithm: ChunkHashAlgorithm = .sha256UInt32
    ) throws -> SegmentTokenDatabase {
        let scope = try KeyScope(
            form: .current(dtype: .bfloat16),
            modelName: "model",
            worldSize: 1,
            workerID: 0
        )
        return try SegmentTokenDatabase(scope: scope, algorithm: algorithm, separator: separator)
    }

    private static func ranges(_ prompt: [UInt32], _ separator: [UInt32]) throws -> [Range<Int>] {
        try database(TokenArray(separator)).processTokens(TokenArray(prompt)).map(\.range)
    }

    /// Prompts, separators, and the segments between them.
    static let cuts: [([UInt32], [UInt32], [Range<Int>])] = [
        ([1, 2, 9, 9, 3], [9, 9], [0..<2, 4..<5]),
        // Two separators in a row, one at the start and one at the end: no empty segments.
        ([9, 9, 1, 9, 9, 9, 9, 2, 9, 9], [9, 9], [2..<3, 7..<8]),
        ([9, 9], [9, 9], []), ([], [9, 9], []),
        // None, or longer than the prompt.
        ([1, 2, 3], [9], [0..<3]), ([1], [1, 2], [0..<1]),
        // From left to right, without overlaps.
        ([9, 9, 9, 1], [9, 9], [2..<4]), ([1, 2, 1, 2, 1, 3], [1, 2, 1, 3], [0..<2]),
        ([1, 1, 2, 1, 1, 1, 2, 5], [1, 1, 2], [3..<4, 7..<8]),
    ]

    @Test(arguments: cuts)
    func `segments are what stands between separators`(
        prompt: [UInt32],
        separator: [UInt32],
        wanted: [Range<Int>]
    ) throws {
        #expect(try Self.ranges(prompt, separator) == wanted)
    }

    @Test func `an empty separator is refused`() {
        let error = #expect(throws: HashingError.self) { try Self.database(TokenArray([UInt32]())) }
        #expect(error?.code == .invalidSeparator)
    }

    @Test(arguments: ChunkedTokenDatabaseTests.algorithms)
    func `a segment has the key of its own tokens, whatever stands before it`(algorithm: ChunkHashAlgorithm)
        throws
    {
        let database = try Self.database(TokenArray([7, 8] as [UInt32]), algorithm)
        let segment: [UInt32] = [1, 2, 3]
        let first = try Array(database.processTokens(TokenArray(segment + [7, 8, 5])))
        let second = try Array(database.processTokens(TokenArray([5, 6, 7, 8] + segment)))
        #expect(first[0].key == second[1].key)
        #expect(first[0].key != first[1].key)
        var hasher = ChunkHasher(algorithm)
        #expect(hasher.next(segment.span) == first[0].key.chunkHash)
        #expect(!database.isPrefixBound)
    }

    @Test func `both widths of tokens are cut alike`() throws {
        let narrow = try Self.database(TokenArray([7] as [UInt32]))
        let wide = try Self.database(TokenArray([7] as [Int64]))
        let prompt: [UInt32] = [1, 7, 2, 3, .max]
        let widePrompt = TokenArray(prompt.map(Int64.init))
        let wanted = try Array(narrow.processTokens(TokenArray(prompt)))
        #expect(try Array(narrow.processTokens(widePrompt)) == wanted)
        #expect(try Array(wide.processTokens(widePrompt)) == wanted)
        let error = #expect(throws: HashingError.self) {
            try narrow.processTokens(TokenArray([1, -1] as [Int64]))
        }
        #expect(error?.code == .tokenOutOfRange)
    }

    @Test(arguments: [(0, 3), (2, 2), (3, 2), (4, 2), (6, 1), (9, 0)])
    func `a mask leaves out whole segments`(falseCount: Int, count: Int) throws {
        let database = try Self.database(TokenArray([9, 9] as [UInt32]))
        let prompt: [UInt32] = [1, 2, 9, 9, 3, 9, 9, 4, 5]
        let all = try Array(database.processTokens(TokenArray(prompt)))
        let mask = prompt.indices.map { $0 >= falseCount }
        #expect(try Array(database.processTokens(TokenArray(prompt), mask: mask)) == all.suffix(count))
    }

    @Test(
        arguments: [(-1, .invalidMask), (10, .invalidMask), (1, .misalignedMask), (8, .misalignedMask)]
            as [(Int, HashingError.Code)]
    )
    func `a mask that cuts a segment or does not fit is refused`(falseCount: Int, code: HashingError.Code)
        throws
    {
        let database = try Self.database(TokenArray([9, 9] as [UInt32]))
        let prompt = TokenArray([1, 2, 9, 9, 3, 9, 9, 4, 5] as [UInt32])
        let error = #expect(throws: HashingError.self) {
            try database.processTokens(prompt, skippingFirst: falseCount)
        }
        #expect(error?.code == code)
    }

    /// What the rules say, in the simplest way.
    private static func model(_ prompt: [UInt32], _ separator: [UInt32]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var (start, index) = (0, 0)
        while index < prompt.count {
            if prompt[index...].starts(with: separator) {
                if start < index { found.append(start..<index) }
                index += separator.count
                start = index
            } else {
                index += 1
            }
        }
        if start < prompt.count { found.append(start..<prompt.count) }
        return found
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `segments are those of the simplest search`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let separator = (0..<Int.random(in: 1...6, using: &random)).map { _ in
            UInt32.random(in: 0...1, using: &random)
        }
        let prompt = (0..<Int.random(in: 0...200, using: &random)).map { _ in
            UInt32.random(in: 0...1, using: &random)
        }
        #expect(try Self.ranges(prompt, separator) == Self.model(prompt, separator))
    }
}
