internal import Synchronization

/// References, pins and the cache's own hold on an object, packed in one atomic word.
///
/// Bits 0–23 count references, bits 24–47 pins; bit 62 says that a backend's index holds one of the
/// references. Decrements release and the reader that finds itself last acquires, so that whoever frees or
/// reuses the memory sees every access that came before.
struct ReferenceWord: ~Copyable {
    static let reference: UInt64 = 1
    static let pin: UInt64 = 1 << 24
    static let resident: UInt64 = 1 << 62
    private static let mask: UInt64 = (1 << 24) - 1

    private let word: Atomic<UInt64>

    /// One value of the word.
    struct Value: BitwiseCopyable {
        var bits: UInt64
        var references: Int { Int(bits & ReferenceWord.mask) }
        var pins: Int { Int((bits >> 24) & ReferenceWord.mask) }
        var isResident: Bool { bits & ReferenceWord.resident != 0 }
        /// Neither referenced nor pinned: the memory goes back.
        var isUnused: Bool { references == 0 && pins == 0 }
        /// Held by the index only: a candidate for eviction.
        var isIdle: Bool { isResident && references == 1 && pins == 0 }
    }

    /// One reference, no pin.
    init() {
        word = Atomic(ReferenceWord.reference)
    }

    var value: Value { Value(bits: word.load(ordering: .acquiring)) }

    /// Adds `amount` and returns the value before and after.
    @discardableResult
    func add(_ amount: UInt64) -> (before: Value, after: Value) {
        let result = word.add(amount, ordering: .acquiringAndReleasing)
        let after = Value(bits: result.newValue)
        precondition(
            after.references < Int(ReferenceWord.mask) && after.pins < Int(ReferenceWord.mask),
            "more than 16 million references or pins of one object"
        )
        return (Value(bits: result.oldValue), after)
    }

    /// Takes a pin away and returns the value after, or `nil` when there is none.
    func subtractPin() -> Value? {
        var expected = word.load(ordering: .relaxed)
        while Value(bits: expected).pins > 0 {
            let (exchanged, original) = word.weakCompareExchange(
                expected: expected,
                desired: expected - ReferenceWord.pin,
                ordering: .acquiringAndReleasing
            )
            if exchanged { return Value(bits: expected - ReferenceWord.pin) }
            expected = original
        }
        return nil
    }

    /// Takes `amount` away and returns the value after.
    @discardableResult
    func subtract(_ amount: UInt64) -> Value {
        Value(bits: word.subtract(amount, ordering: .acquiringAndReleasing).newValue)
    }
}
