/// The shape of a value: up to four dimensions, kept inline.
public struct TensorShape: Hashable, Sendable {
    /// The most dimensions a shape can have.
    public static let dimensionCountMax = 4

    /// The four stored numbers; those from `dimensionCount` on are padding.
    public let padded: SIMD4<Int32>
    /// How many dimensions the shape has, 0 to 4.
    public let dimensionCount: Int

    /// Creates a shape from its dimensions.
    ///
    /// - Precondition: at most four dimensions, each from 0 to `Int32.max`.
    public init(_ dimensions: [Int]) {
        precondition(
            dimensions.count <= TensorShape.dimensionCountMax,
            "a shape has at most four dimensions"
        )
        var padded = SIMD4<Int32>(repeating: 0)
        for (index, dimension) in dimensions.enumerated() {
            precondition(
                dimension >= 0 && dimension <= Int(Int32.max),
                "dimension \(dimension) is out of range"
            )
            padded[index] = Int32(dimension)
        }
        self.padded = padded
        dimensionCount = dimensions.count
    }

    /// Creates a shape from four numbers as they came over a wire, whatever they are.
    public init(verbatim padded: SIMD4<Int32>, dimensionCount: Int = 4) {
        self.padded = padded
        self.dimensionCount = dimensionCount
    }

    /// The dimensions, outermost first.
    public var dimensions: [Int] { (0..<dimensionCount).map { Int(padded[$0]) } }

    /// The number of elements, or `nil` when a dimension is negative or the product overflows; 0 for no
    /// dimensions.
    public var elementCount: Int? {
        guard dimensionCount > 0 else { return 0 }
        var count = 1
        for index in 0..<dimensionCount {
            guard padded[index] >= 0 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: Int(padded[index]))
            guard !overflow else { return nil }
            count = product
        }
        return count
    }
}

extension TensorShape: ExpressibleByArrayLiteral, CustomStringConvertible {
    /// Creates a shape from its dimensions.
    public init(arrayLiteral elements: Int...) {
        self.init(elements)
    }

    /// The dimensions, such as `[2, 32, 256, 1024]`.
    public var description: String { "\(dimensions)" }
}
