/// An aggregate that is not complete yet.
internal struct RESPReplyFrame: Sendable {
    /// What the aggregate is.
    enum Kind: Sendable {
        case array, map, set, push, attribute

        /// How many values the count of the aggregate's header stands for.
        var valuesPerElement: Int {
            switch self {
            case .array, .set, .push: 1
            case .map, .attribute: 2
            }
        }
    }

    let kind: Kind
    /// Values that are still to come.
    var remainingCount: Int
    var values: [RESPValue] = []

    /// The complete aggregate; `nil` for an attribute, which is dropped.
    var value: RESPValue? {
        switch kind {
        case .array: .array(values)
        case .set: .set(values)
        case .push: .push(values)
        case .map: .map(entries)
        case .attribute: nil
        }
    }

    private var entries: [RESPMapEntry] {
        stride(from: 0, to: values.count, by: 2).map { index in
            RESPMapEntry(key: values[index], value: values[index + 1])
        }
    }
}
