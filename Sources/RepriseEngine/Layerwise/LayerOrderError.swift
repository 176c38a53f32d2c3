/// Why a layer-wise store or retrieval could not go on as it was asked to.
public enum LayerOrderError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another layer is next; `expected` is their count when all are through.
    case outOfOrder(layer: Int, expected: Int)
    /// Not all layers are through.
    case incomplete(layerCount: Int, of: Int)
    /// It was finished before.
    case finished

    /// What was wrong, and what to do.
    public var description: String {
        switch self {
        case .outOfOrder(let layer, let expected): "layer \(layer) where \(expected) is next; go in order"
        case .incomplete(let layerCount, let all): "\(layerCount) of \(all) layers are through; go on first"
        case .finished: "it was finished before; begin another"
        }
    }
}

/// Which layer is next; each comes once, from 0 on.
struct LayerOrder {
    let layerCount: Int
    private(set) var next = 0
    private(set) var isFinished = false

    init(layerCount: Int) { self.layerCount = layerCount }

    /// Whether all layers are through.
    var isComplete: Bool { next == layerCount }

    /// Sees to it that a layer is the next one.
    func check(_ layer: Int) throws(EngineError) {
        guard !isFinished else { throw .layers(.finished) }
        guard layer == next, layer < layerCount else {
            throw .layers(.outOfOrder(layer: layer, expected: next))
        }
    }

    /// The next layer is through.
    mutating func advance() { next += 1 }

    /// Ends the whole; only once, and only when all layers are through or none is needed.
    mutating func finish(needsAll: Bool) throws(EngineError) {
        guard !isFinished else { throw .layers(.finished) }
        guard isComplete || !needsAll else {
            throw .layers(.incomplete(layerCount: next, of: layerCount))
        }
        isFinished = true
    }
}
