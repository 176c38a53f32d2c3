import ArgumentParser
import RepriseCore

/// The options that say what a stored value is; without any it is plain bytes.
struct TensorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The layout: a name such as kv_2ltd, or its number on the wire.",
            valueName: "format"
        ),
        completion: .list(MemoryFormat.allCases.map { "\($0)" }),
        transform: TensorOptions.format
    )
    var format: Int32?

    @Option(
        help: ArgumentHelp("The element type, such as bfloat16, half, float or uint8.", valueName: "dtype"),
        completion: .list(DType.allCases.filter { $0.wireCode != nil }.map(\.keyWord)),
        transform: TensorOptions.dtype
    )
    var dtype: Int32?

    @Option(
        help: ArgumentHelp("One to four dimensions, such as 2,32,256,1024.", valueName: "shape"),
        transform: TensorOptions.shape
    )
    var shape: TensorShape?

    func validate() throws {
        let count = [dtype != nil, shape != nil].count { $0 }
        guard count != 1 else { throw ValidationError("--dtype and --shape belong together") }
        guard format == nil || count == 2 else { throw ValidationError("--format needs --dtype and --shape") }
    }

    /// Whether none of the options is given.
    var isEmpty: Bool { format == nil && dtype == nil && shape == nil }

    /// The metadata to send, or `nil` for plain bytes.
    func metadata() throws -> MemoryObjectMetadata? {
        guard let dtype, let shape else { return nil }
        return MemoryObjectMetadata(
            verbatimFormat: format ?? MemoryFormat.kv2LTD.rawValue,
            dtype: dtype,
            shape: shape,
            origin: .lm
        )
    }

    private static func format(_ text: String) throws -> Int32 {
        if let code = Int32(text), code >= 0 { return code }
        let word = text.lowercased().filter { $0 != "_" }
        let match = MemoryFormat.allCases.first { "\($0)".lowercased() == word }
        guard let match else {
            let names = MemoryFormat.allCases.map { "\($0)" }.joined(separator: ", ")
            throw ValidationError("no layout '\(text)'; use a number or one of \(names)")
        }
        return match.rawValue
    }

    private static func dtype(_ text: String) throws -> Int32 {
        let match = DType.allCases.first { $0.keyWord == text || "\($0)" == text }
        guard let code = match?.wireCode else {
            let names = DType.allCases.filter { $0.wireCode != nil }.map(\.keyWord).joined(separator: ", ")
            throw ValidationError("the wire has no element type '\(text)'; use one of \(names)")
        }
        return code
    }

    private static func shape(_ text: String) throws -> TensorShape {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Int32($0) ?? -1 }
        guard (1...TensorShape.dimensionCountMax).contains(parts.count), parts.allSatisfy({ $0 >= 0 }) else {
            throw ValidationError(
                "'\(text)' is no shape; write one to four numbers with commas, such as 2,32,256,1024"
            )
        }
        return TensorShape(parts.map(Int.init))
    }
}
