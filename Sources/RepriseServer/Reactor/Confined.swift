/// A value that one thread changes in place through a `let`.
///
/// For what is touched several times for each request: a class's `var` costs a check for exclusive access
/// with each touch, which took an eighth of the time of short requests. Not thread-safe: whoever has it keeps
/// it to one thread, and lets no access outlive its statement.
@safe
struct Confined<Value: ~Copyable>: ~Copyable {
    // SAFETY: allocated in `init`, freed in `deinit`; no pointer leaves this file.
    private let pointer: UnsafeMutablePointer<Value>

    init(_ value: consuming Value) {
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: value)
    }

    deinit {
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
    }

    var value: Value {
        @inline(__always)
        unsafeAddress {
            // SAFETY: the pointer is valid as long as `self`.
            unsafe UnsafePointer(pointer)
        }
        @inline(__always)
        nonmutating unsafeMutableAddress {
            // SAFETY: as above.
            unsafe pointer
        }
    }
}
