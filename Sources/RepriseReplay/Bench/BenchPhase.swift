/// What a benchmark does in one operation.
public enum BenchOperation: String, CaseIterable, Hashable, Sendable {
    /// Stores a value; over lm it then asks whether it is there, since a put alone has no reply there.
    case put
    /// Fetches a value.
    case get
    /// Asks whether a key is there.
    case exist
}

/// A part of a benchmark whose operations run together and share one wall time.
public struct BenchPhase: Hashable, Sendable {
    /// One kind of operation and how often it comes, relative to the others.
    public struct Share: Hashable, Sendable {
        /// The operation.
        public let operation: BenchOperation
        /// Its weight, at least 1.
        public let weight: Int
    }

    /// The operations, at least one; drawn at random by weight if there are several.
    public let shares: [Share]

    /// What a mix may look like, for messages and help.
    public static let forms =
        "a mix is put,get,exist (one phase each, in order) or put=1,get=9 (one mixed phase)"
    /// The largest weight.
    public static let weightMax = 1_000_000

    /// Reads the phases of a mix: `put,get,exist` is one phase each, `put=1,get=9` a single mixed one.
    ///
    /// - Returns: `nil` if the text is neither.
    public static func parse(mix text: String) -> [BenchPhase]? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let shares = parts.compactMap { part -> Share? in
            let sides = part.split(separator: "=", omittingEmptySubsequences: false)
            guard let operation = BenchOperation(rawValue: String(sides[0])) else { return nil }
            if sides.count == 1 { return Share(operation: operation, weight: 0) }
            guard sides.count == 2, let weight = Int(sides[1]), (1...weightMax).contains(weight) else {
                return nil
            }
            return Share(operation: operation, weight: weight)
        }
        guard shares.count == parts.count else { return nil }
        if shares.allSatisfy({ $0.weight == 0 }) {
            return shares.map { BenchPhase(shares: [Share(operation: $0.operation, weight: 1)]) }
        }
        let isMixed =
            shares.allSatisfy { $0.weight > 0 } && Set(shares.map(\.operation)).count == shares.count
        return isMixed ? [BenchPhase(shares: shares)] : nil
    }

    /// Whether the phase reads what it may not have stored before.
    internal var needsStoredKeys: Bool { shares.count > 1 && shares.contains { $0.operation != .put } }

    /// Picks an operation by a random number.
    internal func operation(for number: UInt64) -> BenchOperation {
        guard shares.count > 1 else { return shares[0].operation }
        var rest = Int(number % UInt64(shares.reduce(0) { $0 + $1.weight }))
        for share in shares {
            if rest < share.weight { return share.operation }
            rest -= share.weight
        }
        return shares[0].operation
    }
}
