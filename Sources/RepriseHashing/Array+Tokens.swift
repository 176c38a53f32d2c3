extension Array where Element: FixedWidthInteger {
    /// Writes each token, converted, from `start` on; grows the array when it is too short.
    @inline(__always)
    internal mutating func put<Token: FixedWidthInteger & BitwiseCopyable>(
        _ tokens: Span<Token>,
        at start: Int,
        _ convert: (Token) -> Element
    ) {
        let end = start + tokens.count
        if count < end {
            append(contentsOf: repeatElement(0, count: end - count))
        }
        var elements = mutableSpan
        for index in tokens.indices {
            elements[start &+ index] = convert(tokens[index])
        }
    }
}
