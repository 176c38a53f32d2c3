/// Everything in a key but the chunk: who computed it, for which model, in which form it is written.
///
/// All keys of one worker share a scope, so it is checked and written out once, and a copy costs one
/// reference count.
public struct KeyScope: Sendable {
    private final class Storage: Sendable {
        let form: KeyForm
        let modelName: String
        let worldSize: Int
        let workerID: Int
        let tags: [KeyTag]
        /// The text up to the chunk hash, from there to the layer, and from the layer to the end.
        let head, middle, tail: [UInt8]

        init(form: KeyForm, modelName: String, worldSize: Int, workerID: Int, tags: [KeyTag]) {
            (self.form, self.modelName, self.tags) = (form, modelName, tags)
            (self.worldSize, self.workerID) = (worldSize, workerID)
            let fields = "\(modelName)@\(worldSize)@\(workerID)@"
            switch form {
            case .legacy(let engine):
                head = Array("\(engine)@\(fields)".utf8)
                middle = []
            case .current(let dtype):
                head = Array(fields.utf8)
                middle = Array("@\(dtype.keyWord)".utf8)
            }
            tail = Array(tags.map { "@\($0.name)%\($0.value)" }.joined().utf8)
        }
    }

    private let storage: Storage

    /// Creates a scope.
    ///
    /// - Throws: ``KeyError`` — `invalidName` if the model's or the engine's name is empty or the engine's
    ///   holds `@` (the model's may), `invalidTag` for tags in the legacy form, which cannot carry any.
    public init(
        form: KeyForm,
        modelName: String,
        worldSize: Int,
        workerID: Int,
        tags: [KeyTag] = []
    ) throws(KeyError) {
        guard !modelName.isEmpty else { throw KeyError(.invalidName, "the model's name is empty") }
        if case .legacy(let engine) = form {
            guard !engine.isEmpty && !engine.utf8.contains(KeyText.at) else {
                throw KeyError(.invalidName, "the engine's name is empty or holds '@'")
            }
            guard tags.isEmpty else { throw KeyError(.invalidTag, "the legacy form carries no tags") }
        }
        storage = Storage(
            form: form,
            modelName: modelName,
            worldSize: worldSize,
            workerID: workerID,
            tags: tags
        )
    }

    /// In which form keys are written, with the field that only this form has.
    public var form: KeyForm { storage.form }
    /// The model's name; may hold `@`.
    public var modelName: String { storage.modelName }
    /// How many workers share the model.
    public var worldSize: Int { storage.worldSize }
    /// Which of them this is, from 0.
    public var workerID: Int { storage.workerID }
    /// The request's tags, in order.
    public var tags: [KeyTag] { storage.tags }

    internal var head: [UInt8] { storage.head }
    internal var middle: [UInt8] { storage.middle }
    internal var tail: [UInt8] { storage.tail }
}

extension KeyScope: Hashable {
    /// Whether two scopes write the same bytes around a chunk hash.
    public static func == (left: KeyScope, right: KeyScope) -> Bool {
        left.storage === right.storage
            || (left.head == right.head && left.middle == right.middle && left.tail == right.tail)
    }

    /// Feeds the bytes around a chunk hash to the hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(head)
        hasher.combine(middle)
        hasher.combine(tail)
    }
}
