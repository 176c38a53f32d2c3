/// The element type of a tensor.
///
/// Raw values from 2 to 8 are LMCache's wire codes; those from 100 on are types that its wire cannot name.
///
/// - Source: docs/WIRE_LM.md; LMCache `lmcache/v1/protocol.py`.
public enum DType: Int32, CaseIterable, Hashable, Sendable {
    case float16 = 2
    case bfloat16 = 3
    case float32 = 4
    case float64 = 5
    case uint8 = 6
    case float8E4M3FN = 7
    case float8E5M2 = 8
    case int8 = 100
    case int16 = 101
    case int32 = 102
    case int64 = 103
    case bool = 104
    case float8E4M3FNUZ = 105
    case float8E5M2FNUZ = 106

    /// Bytes per element.
    public var byteCount: Int {
        switch self {
        case .uint8, .int8, .bool, .float8E4M3FN, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ: 1
        case .float16, .bfloat16, .int16: 2
        case .float32, .int32: 4
        case .float64, .int64: 8
        }
    }

    /// The code on the `lm://` wire, or `nil` for a type it cannot carry.
    public var wireCode: Int32? { rawValue < 100 ? rawValue : nil }

    /// The type that a wire code names; 1 ("half") is `float16`, 0 is none.
    public init?(wireCode: Int32) {
        guard (1...8).contains(wireCode) else { return nil }
        self = wireCode == 1 ? .float16 : DType(rawValue: wireCode) ?? .float16
    }

    /// The word that stands for the type in a key's text form.
    public var keyWord: String {
        switch self {
        case .float16: "half"
        case .bfloat16: "bfloat16"
        case .float32: "float"
        case .float64: "double"
        case .uint8: "uint8"
        case .int8: "int8"
        case .int16: "int16"
        case .int32: "int32"
        case .int64: "int64"
        case .bool: "bool"
        case .float8E4M3FN: "fp8_e4m3fn"
        case .float8E4M3FNUZ: "fp8_e4m3fnuz"
        case .float8E5M2: "fp8_e5m2"
        case .float8E5M2FNUZ: "fp8_e5m2fnuz"
        }
    }

    /// The type that a key's word names, or `nil`.
    public init?(keyWord: some StringProtocol) {
        guard let match = DType.allCases.first(where: { $0.keyWord == keyWord }) else { return nil }
        self = match
    }
}
