extension CacheEngineKey {
    private typealias Part = ArraySlice<UInt8>

    /// Reads a key from its text, which it gives back exactly.
    ///
    /// The text is read from the right, so that `@` in a model's name survives. Without a version the current
    /// form is tried first: it is told by the word for the element type. A legacy key whose hash is such a
    /// word, and whose model's name ends like a number, is therefore misread unless its version is given.
    ///
    /// - Throws: ``KeyError`` with the code of the first field, from the right, that cannot be read.
    /// - Complexity: O(bytes).
    public init(parsing text: some StringProtocol, as version: KeyForm.Version? = nil) throws(KeyError) {
        try self.init(parsing: Array(text.utf8), as: version)
    }

    /// Reads a key from the bytes that a backend knows it by; see ``init(parsing:as:)-(StringProtocol,_)``.
    public init(parsing key: StorageKey, as version: KeyForm.Version? = nil) throws(KeyError) {
        try self.init(parsing: key.bytes, as: version)
    }

    private init(parsing bytes: [UInt8], as version: KeyForm.Version?) throws(KeyError) {
        let parts = bytes.split(separator: KeyText.at, omittingEmptySubsequences: false)
        switch version {
        case .current:
            try self.init(currentForm: parts, of: bytes)
        case .legacy:
            try self.init(legacyForm: parts, of: bytes)
        case nil:
            let current = Result { () throws(KeyError) in try CacheEngineKey(currentForm: parts, of: bytes) }
            if case .success(let key) = current {
                self = key
            } else {
                try self.init(legacyForm: parts, of: bytes)
            }
        }
    }

    /// Reads `model@world@worker@hash@dtype[@layer][@tag%value]…`.
    private init(currentForm parts: [Part], of bytes: [UInt8]) throws(KeyError) {
        let fieldCount = parts.lastIndex { !$0.contains(KeyText.percent) }.map { $0 + 1 } ?? 0
        var end = fieldCount
        let layerID = end > 0 ? KeyText.decimal(parts[end - 1]) : nil
        if layerID != nil { end -= 1 }
        guard end >= 5 else {
            throw KeyError(.malformed, "expected model@world@worker@hash@dtype[@layer][@tag%value]")
        }
        guard let dtype = DType(keyWord: String(decoding: parts[end - 1], as: UTF8.self)) else {
            throw KeyError(
                .invalidDType,
                "'\(String(decoding: parts[end - 1], as: UTF8.self))' is no element type"
            )
        }
        let hash = try ChunkHash(textBytes: parts[end - 2])
        var tags: [KeyTag] = []
        for part in parts[fieldCount...] {
            tags.append(try KeyTag(parsing: part))
        }
        let model = bytes[..<(parts[end - 4].startIndex - 1)]
        let scope = try CacheEngineKey.scope(
            form: .current(dtype: dtype),
            model: model,
            world: parts[end - 4],
            worker: parts[end - 3],
            tags: tags
        )
        try self.init(scope: scope, chunkHash: hash, layerID: layerID)
    }

    /// Reads `engine@model@world@worker@hash[@layer]`.
    ///
    /// Where a hash is followed by a layer, the part before the last is the hash, which then is no decimal
    /// number; where no layer follows, it is the worker id, which is one.
    private init(legacyForm parts: [Part], of bytes: [UInt8]) throws(KeyError) {
        let isBase = parts.count >= 2 && KeyText.decimal(parts[parts.count - 2]) != nil
        let end = isBase ? parts.count : parts.count - 1
        guard end >= 5 else {
            throw KeyError(.malformed, "expected engine@model@world@worker@hash[@layer]")
        }
        let layerID = isBase ? nil : KeyText.decimal(parts[end])
        guard isBase || layerID != nil else {
            throw KeyError(.invalidLayer, "the last part is no layer, and the one before it no worker id")
        }
        let hash = try ChunkHash(textBytes: parts[end - 1])
        let engine = try KeyText.string(parts[0])
        let model = bytes[parts[1].startIndex..<(parts[end - 3].startIndex - 1)]
        let scope = try CacheEngineKey.scope(
            form: .legacy(engine: engine),
            model: model,
            world: parts[end - 3],
            worker: parts[end - 2],
            tags: []
        )
        try self.init(scope: scope, chunkHash: hash, layerID: layerID)
    }

    private static func scope(
        form: KeyForm,
        model: Part,
        world: Part,
        worker: Part,
        tags: [KeyTag]
    ) throws(KeyError) -> KeyScope {
        guard let worldSize = KeyText.decimal(world), let workerID = KeyText.decimal(worker) else {
            throw KeyError(
                .invalidNumber,
                "world size and worker id are decimal integers without leading zeros"
            )
        }
        return try KeyScope(
            form: form,
            modelName: KeyText.string(model),
            worldSize: worldSize,
            workerID: workerID,
            tags: tags
        )
    }
}
