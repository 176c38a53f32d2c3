import RepriseTesting
import Testing

@testable import RepriseCore

/// The index of keys against dictionaries.
@Suite struct KeyIndexTests {
    /// An index beside a model of it: for each tag, the handles that were inserted with it.
    final class Pair {
        private var index = KeyIndex()
        var model: [UInt32: Set<UInt32>] = [:]
        var handles: [(tag: UInt32, handle: UInt32)] = []
        var nextHandle: UInt32 = 0

        func insert(_ tag: UInt32) -> Bool {
            guard index.insert(tag: tag, key: nextHandle) else { return false }
            model[tag, default: []].insert(nextHandle)
            handles.append((tag, nextHandle))
            nextHandle += 1
            return true
        }

        func remove(at position: Int) {
            handles.swapAt(position, handles.count - 1)
            guard let (tag, handle) = handles.popLast() else { return }
            index.remove(tag: tag, key: handle)
            model[tag]?.remove(handle)
        }

        var entryCount: Int { index.entryCount }

        /// Whether a handle is found among those of its tag.
        func finds(_ handle: UInt32, tag: UInt32) -> Bool { index.find(tag: tag) { $0 == handle } == handle }

        /// Whether the index offers exactly the model's handles for a tag.
        func agrees(on tag: UInt32) -> Bool {
            var offered: Set<UInt32> = []
            let found = index.find(tag: tag) { handle in
                offered.insert(handle)
                return false
            }
            return found == nil && offered == model[tag, default: []]
        }
    }

    /// A tag: of all 32 bits, of few different values, or with its upper or lower bits equal.
    static func randomTag(_ profile: Int, _ generator: inout SeededGenerator) -> UInt32 {
        let tag = UInt32(truncatingIfNeeded: generator.next())
        return switch profile {
        case 0: tag
        case 1: tag % 20_000 &* 0x9E37_79B9
        case 2: tag & 0xFFFF | 0xABCD_0000
        default: tag & 0xFFFF_0000 | 1023
        }
    }

    @Test(arguments: 0..<4)
    func `random insertions, lookups and removals agree with a dictionary`(profile: Int) {
        var generator = SeededGenerator(seed: UInt64(profile))
        let pair = Pair()
        var disagreement: UInt32?
        for step in 0..<50_000 {
            let fills = [75, 50, 20][step / 10_000 % 3] as UInt64
            if generator.next() % 100 < fills {
                if !pair.insert(Self.randomTag(profile, &generator)) { disagreement = .max }
            } else if !pair.handles.isEmpty {
                pair.remove(at: Int.random(in: 0..<pair.handles.count, using: &generator))
            }
            guard step % 4 == 0 else { continue }
            let asked = step % 8 == 0 ? Self.randomTag(profile, &generator) : pair.handles.last?.tag ?? 0
            if !pair.agrees(on: asked) { disagreement = disagreement ?? asked }
        }
        let allAgree = pair.model.keys.allSatisfy { pair.agrees(on: $0) }
        #expect(disagreement == nil)
        #expect(allAgree)
        #expect(pair.entryCount == pair.handles.count)
    }

    @Test func `the one handle that is accepted is found among equal tags`() {
        let pair = Pair()
        for _ in 0..<500 { #expect(pair.insert(7)) }
        let missing = (0..<500 as Range<UInt32>).filter { !pair.finds($0, tag: 7) }
        #expect(missing == [])
        for _ in 0..<250 { pair.remove(at: pair.handles.count / 2) }
        for (tag, handle) in pair.handles { #expect(pair.finds(handle, tag: tag)) }
        #expect(pair.agrees(on: 7))
    }

    @Test func `more equal tags than a segment holds are refused and the others stay`() {
        let pair = Pair()
        let tag: UInt32 = 0xDEAD_BEEF
        while pair.entryCount < 2_000, pair.insert(tag) {}
        #expect(pair.entryCount == 820)
        #expect(pair.agrees(on: tag))
        #expect(pair.insert(1))
        #expect(!pair.insert(tag))
        pair.remove(at: 3)
        #expect(pair.insert(tag))
        #expect(pair.agrees(on: tag))
    }

    @Test func `two hundred thousand keys are found after all splits`() {
        var index = KeyIndex()
        for handle in 0..<200_000 as Range<UInt32> {
            guard index.insert(tag: handle &* 0x9E37_79B9, key: handle) else { break }
        }
        let missing = (0..<200_000 as Range<UInt32>).first { handle in
            index.find(tag: handle &* 0x9E37_79B9) { $0 == handle } == nil
        }
        let entryCount = index.entryCount
        #expect(missing == nil)
        #expect(entryCount == 200_000)
    }

    @Test func `removing what was not inserted traps`() async {
        await #expect(processExitsWith: .failure) {
            var index = KeyIndex()
            _ = index.insert(tag: 1, key: 1)
            index.remove(tag: 1, key: 2)
        }
    }
}
