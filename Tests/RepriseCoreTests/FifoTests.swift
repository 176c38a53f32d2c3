import RepriseTesting
import Testing

@testable import RepriseCore

@Suite struct FifoTests {
    @Test(arguments: 0..<10 as Range<UInt64>) func `elements come out as they went in`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var queue = Fifo<Int>()
        var model: [Int] = []
        for step in 0..<2000 {
            if Int.random(in: 0..<100, using: &generator) < (step < 1000 ? 70 : 30) {
                queue.append(step)
                model.append(step)
            } else {
                let expected = model.isEmpty ? nil : model.removeFirst()
                #expect(queue.popFirst() == expected)
            }
            #expect(queue.count == model.count && queue.isEmpty == model.isEmpty)
        }
        #expect(queue.takeAll() == model)
        #expect(queue.isEmpty && queue.popFirst() == nil)
    }

    @Test func `what was taken is let go of at once`() {
        final class Kept {}
        var queue = Fifo<Kept>()
        weak var kept: Kept?
        do {
            let element = Kept()
            kept = element
            queue.append(element)
            queue.append(Kept())
        }
        _ = queue.popFirst()
        #expect(kept == nil)
    }
}
