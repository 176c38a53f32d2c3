extension MutableRawSpan {
    /// Stores a 32-bit number in little-endian order.
    ///
    /// - Precondition: the number ends within the span, or this traps.
    @_lifetime(self: copy self)
    mutating func storeLittleEndian(_ value: Int32, at offset: Int) {
        storeBytes(of: value.littleEndian, toByteOffset: offset, as: Int32.self)
    }

    /// Stores a shape's four numbers in little-endian order.
    @_lifetime(self: copy self)
    mutating func storeLittleEndian(_ words: SIMD4<Int32>, at offset: Int) {
        for index in 0..<4 { storeLittleEndian(words[index], at: offset + 4 * index) }
    }
}
