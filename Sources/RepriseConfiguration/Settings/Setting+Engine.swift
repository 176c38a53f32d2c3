extension Setting {
    /// What LMCache's configuration says to the inference engine's side.
    internal static let engine = [
        engine("chunk_size", \.engine.chunkSize, .count(1...1_048_576), "Tokens of a chunk."),
        engine("local_cpu", \.engine.keepsInMemory, .truth, "Keep values in the engine's own memory."),
        engine("save_decode_cache", \.engine.savesDecodeCache, .truth, "Store what decoding adds."),
        engine(
            "save_unfull_chunk",
            \.engine.savesUnfullChunk,
            SettingKind.truth.optional,
            "Store a last chunk that is not full."
        ),
        engine("use_layerwise", \.engine.usesLayers, .truth, "Store and retrieve layer by layer."),
        engine(
            "pre_caching_hash_algorithm",
            \.engine.hashAlgorithm,
            .word(of: hashAlgorithms),
            "The chunks' hash."
        ),
        engine(
            "min_retrieve_tokens",
            \.engine.retrievedTokenCountMin,
            .count(0...Int(Int32.max)),
            "The least hit worth retrieving."
        ),
        engine("pin_timeout_sec", \.engine.pinTimeout, .seconds, "How long a pin lasts at most."),
        engine("lmcache_instance_id", \.engine.instanceID, SettingKind.text.optional, "The engine's name."),
    ]

    /// The names that `RepriseHashing` knows.
    private static let hashAlgorithms = [
        "builtin", "sha256_cbor", "sha256_cbor_64bit", "blake3", "sha256_int64", "sha256_uint32",
    ]

    private static func engine<Value: Sendable>(
        _ name: String,
        _ path: any WritableKeyPath<Configuration, Value> & Sendable,
        _ kind: SettingKind<Value>,
        _ help: String
    ) -> Setting {
        Setting(name, .engine, path, kind, help, isLMCache: true)
    }
}
