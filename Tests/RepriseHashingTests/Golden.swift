import RepriseHashing

/// An algorithm, and what LMCache makes of tokens 0 to 511 with it.
struct Golden: Sendable {
    let algorithm: ChunkHashAlgorithm
    let hashes: [String]

    static let all = [
        Golden(
            algorithm: .sha256Int64,
            hashes: [
                "bbd330b12e8159e117376ef24fa106413bc9fc18032a0d43e95c5dae5e47953f",
                "da67b0aaefba655d2edadd2cc5d11cd4564db9059ccf6264056d62d170b11ff5",
            ]
        ),
        Golden(
            algorithm: .sha256UInt32,
            hashes: [
                "8808405eec6fbe306fe3369f88daed79dd5613ddbb5e801f632b01d6218c5f08",
                "dbae33ee1bee4f1e12ac7a0dd1197e46648b8d9d9d908577a53fd38741bcf119",
            ]
        ),
        Golden(algorithm: .builtin(noneHash: 0), hashes: ["2b763dd00afa89c8", "79e62c807b48385b"]),
        Golden(algorithm: .sha256CBOR(seed: "0"), hashes: ["b8a960cfcc69e7a5", "cc309e143d545625"]),
        Golden(
            algorithm: .sha256CBOR(seed: "vllm-none-hash"),
            hashes: ["31375f4bc7c57397", "675fd98cddfd2fcd"]
        ),
        Golden(
            algorithm: .blake3,
            hashes: [
                "084547b6c40ed5b05ba8cd0305db5bf74d5617673948d9ed193ab7d6cbc484d4",
                "e5ffee45c2b9db326814c9692dc594369887ba3b0df5761817820b60f864c8e0",
            ]
        ),
    ]
}
