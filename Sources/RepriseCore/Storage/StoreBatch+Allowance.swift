extension StoreBatch {
    /// How many bytes of values may still be held.
    public struct Allowance: Hashable, Sendable {
        private var restByteCount: Int
        private var mayPassWithOne: Bool

        /// Creates an allowance.
        ///
        /// - Parameter mayPassWithOne: Whether the first value alone may pass it.
        public init(byteCount: Int, mayPassWithOne: Bool) {
            restByteCount = byteCount
            self.mayPassWithOne = mayPassWithOne
        }

        fileprivate func allows(_ byteCount: Int) -> Bool { byteCount <= restByteCount || mayPassWithOne }

        fileprivate mutating func take(_ byteCount: Int) {
            restByteCount -= min(restByteCount, byteCount)
            mayPassWithOne = false
        }
    }

    /// Two allowances, both of which a value must keep to.
    struct Allowances {
        var own = Allowance(byteCount: .max, mayPassWithOne: true)
        var shared = Allowance(byteCount: .max, mayPassWithOne: true)

        /// Takes a value's bytes out of both; `false`, with no change, when either does not allow it.
        mutating func take(_ byteCount: Int) -> Bool {
            guard own.allows(byteCount), shared.allows(byteCount) else { return false }
            own.take(byteCount)
            shared.take(byteCount)
            return true
        }
    }
}
