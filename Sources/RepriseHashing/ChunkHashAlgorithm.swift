internal import RepriseCore

/// How the hash of a chunk follows from its tokens and the hash before it.
///
/// Two processes share chunks only if algorithm, seed and chunk size agree.
///
/// - Source: LMCache `lmcache/v1/token_database.py`, `lmcache/v1/multiprocess/token_hasher.py`.
public enum ChunkHashAlgorithm: Hashable, Sendable {
    /// SHA-256 of the previous hash's hexadecimal text and the tokens as little-endian `Int64`: the first
    /// versions.
    case sha256Int64
    /// The same over tokens as little-endian `UInt32`: LMCache up to 0.3.1.
    case sha256UInt32
    /// CPython's hash of the tuple (previous hash, tuple of tokens, empty tuple); LMCache 0.5.6's default.
    case builtin(noneHash: Int64)
    /// The first 8 bytes of the SHA-256 of canonical CBOR `[previous hash, [token…], []]`.
    case sha256CBOR(noneHash: UInt64)
    /// BLAKE3 of the previous 32 bytes and the tokens as big-endian `UInt32`: LMCache 0.5.6's stand-alone
    /// server.
    case blake3

    /// Returns `builtin` as workers started with `PYTHONHASHSEED=seed` use it.
    ///
    /// - Source: vLLM `init_none_hash`: the chain starts from Python's hash of the seed's decimal text.
    public static func builtin(pythonHashSeed seed: UInt32) -> ChunkHashAlgorithm {
        let text = Array(String(seed).utf8)
        return .builtin(noneHash: PythonHash(seed: seed).hash(ofLatin1: text))
    }

    /// Returns `sha256CBOR` whose chain starts from the hash of a text.
    public static func sha256CBOR(seed: String) -> ChunkHashAlgorithm {
        var encoder = CBOREncoder()
        encoder.encode(text: seed)
        return .sha256CBOR(noneHash: SHA256Hasher.hash(encoder.bytes).bigEndianWords.0)
    }

    /// Creates the algorithm that a configuration names.
    ///
    /// - Parameters:
    ///   - name: "builtin", "sha256_cbor" (also "sha256_cbor_64bit"), "blake3", or for the older versions
    ///     "sha256_int64" and "sha256_uint32".
    ///   - seed: The value of `PYTHONHASHSEED`, if the workers have one. Without it `builtin` starts from 0,
    ///     which is LMCache without vLLM, and `sha256_cbor` from the text "vllm-none-hash".
    /// - Throws: ``HashingError`` `invalidAlgorithm` for another name, or a seed for `builtin` that is no
    ///   number.
    public init(name: String, seed: String? = nil) throws(HashingError) {
        switch name {
        case "sha256_int64": self = .sha256Int64
        case "sha256_uint32": self = .sha256UInt32
        case "blake3": self = .blake3
        case "sha256_cbor", "sha256_cbor_64bit": self = .sha256CBOR(seed: seed ?? "vllm-none-hash")
        case "builtin":
            guard let seed else {
                self = .builtin(noneHash: 0)
                return
            }
            guard let number = UInt32(seed) else {
                throw HashingError(
                    .invalidAlgorithm,
                    "seed '\(seed)': set PYTHONHASHSEED to a number below 2³²"
                )
            }
            self = .builtin(pythonHashSeed: number)
        default:
            throw HashingError(
                .invalidAlgorithm,
                "'\(name)' is none of builtin, sha256_cbor, blake3, sha256_int64, sha256_uint32"
            )
        }
    }

    /// The name in a configuration.
    public var name: String {
        switch self {
        case .sha256Int64: "sha256_int64"
        case .sha256UInt32: "sha256_uint32"
        case .builtin: "builtin"
        case .sha256CBOR: "sha256_cbor"
        case .blake3: "blake3"
        }
    }

    /// Whether LMCache, in the versions that have the algorithm, also stores a last chunk that is not full.
    public var savesUnfullChunkByDefault: Bool {
        switch self {
        case .sha256Int64, .sha256UInt32: true
        case .builtin, .sha256CBOR, .blake3: false
        }
    }

    /// Whether the algorithm hashes tokens as unsigned 32-bit integers, and so takes no others.
    internal var takesOnlyUInt32: Bool {
        switch self {
        case .sha256UInt32, .blake3: true
        case .sha256Int64, .builtin, .sha256CBOR: false
        }
    }

    internal var tokenOutOfRange: HashingError {
        HashingError(
            .tokenOutOfRange,
            "\(name) hashes tokens of 0 to 2³² - 1; use builtin for other token ids"
        )
    }
}
