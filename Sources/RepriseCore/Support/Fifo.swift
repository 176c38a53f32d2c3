/// Elements in the order in which they came; taking the first is cheap however many there are.
package struct Fifo<Element> {
    private var elements: [Element?] = []
    private var start = 0

    /// Elements that were taken are let go of when they are more than this and more than those that are left.
    private static var takenCountMax: Int { 64 }

    /// Creates an empty queue.
    package init() {}

    /// How many elements there are.
    package var count: Int { elements.count - start }

    /// Whether there are none.
    package var isEmpty: Bool { count == 0 }

    /// The first element; `nil` when there is none.
    package var first: Element? { start < elements.count ? elements[start] : nil }

    /// Appends an element.
    package mutating func append(_ element: Element) { elements.append(element) }

    /// Takes the first element; `nil` when there is none.
    ///
    /// - Complexity: O(1), amortised.
    package mutating func popFirst() -> Element? {
        guard start < elements.count else { return nil }
        // Let go of at once: it may keep memory.
        let element = elements[start].take()
        start += 1
        if start == elements.count || (start > Self.takenCountMax && start * 2 > elements.count) {
            elements.removeFirst(start)
            start = 0
        }
        return element
    }

    /// Takes all elements.
    package mutating func takeAll() -> [Element] {
        defer { (elements, start) = ([], 0) }
        return elements[start...].compactMap { $0 }
    }
}
