public import RepriseCore

extension Configuration {
    /// The memory for values.
    public struct Memory: Sendable {
        /// What leaves the memory first.
        public internal(set) var evictionPolicy = EvictionPolicy.lru
        /// Whether the memory is locked.
        public internal(set) var isLocked = false

        internal var amount = MemoryAmount.percent(25)
        private let machineByteCount: Int

        internal init(machineByteCount: Int) {
            self.machineByteCount = machineByteCount
        }

        /// The bytes of memory; a share is of what the machine, or the container, has.
        public var byteCount: Int { amount.byteCount(of: machineByteCount) }
    }
}
