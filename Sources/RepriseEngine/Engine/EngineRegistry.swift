internal import RepriseCore

/// Engines by name, each made once, with what it was made with.
///
/// In the role of LMCache's `LMCacheEngineBuilder`, whose table is one for the process; here whoever wants
/// one makes it, and shares it.
///
/// - Source: LMCache `lmcache/v1/cache_engine.py` (`LMCacheEngineBuilder`).
public final class EngineRegistry<Connector: KVConnector, Configuration: Equatable & Sendable>: Sendable {
    private enum Entry {
        case making
        case made(CacheEngine<Connector>, Configuration)

        var engine: CacheEngine<Connector>? {
            if case .made(let engine, _) = self { engine } else { nil }
        }
    }

    private let entries = Lock<[String: Entry]>([:])
    private let condition = Condition()

    /// Why there is no engine.
    public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// An engine of this name was made with something else.
        case configurationDiffers(name: String)

        /// What was wrong, and what to do.
        public var description: String {
            switch self {
            case .configurationDiffers(let name):
                "an engine '\(name)' was made with another configuration; destroy it, or use another name"
            }
        }
    }

    /// Creates a registry without engines.
    public init() {}

    /// The names of the engines that are made, in no order.
    public var names: [String] {
        entries.withLock { entries in entries.keys.filter { entries[$0]?.engine != nil } }
    }

    /// The engine of a name, which is made if there is none.
    ///
    /// Several threads that ask for one name at once get one engine; those that have not made it block
    /// meanwhile.
    ///
    /// - Throws: ``Failure``, or what `make` throws; there is no engine of the name then.
    public func engine(
        named name: String,
        _ configuration: Configuration,
        make: () throws -> CacheEngine<Connector>
    ) throws -> CacheEngine<Connector> {
        if let (engine, existing) = claim(name) {
            guard existing == configuration else { throw Failure.configurationDiffers(name: name) }
            return engine
        }
        do {
            let engine = try make()
            settle(name, .made(engine, configuration))
            return engine
        } catch {
            settle(name, nil)
            throw error
        }
    }

    /// The engine of a name, or `nil`.
    public func engine(named name: String) -> CacheEngine<Connector>? {
        entries.withLock { $0[name]?.engine }
    }

    /// Closes the engine of a name and forgets it; `false` when there is none.
    @discardableResult
    public func destroy(named name: String) -> Bool {
        let engine = entries.withLock { entries -> CacheEngine<Connector>? in
            guard let engine = entries[name]?.engine else { return nil }
            entries[name] = nil
            return engine
        }
        engine?.close()
        return engine != nil
    }

    /// What there is under a name; `nil` when the caller is to make it.
    private func claim(_ name: String) -> (CacheEngine<Connector>, Configuration)? {
        while true {
            let found: (CacheEngine<Connector>, Configuration)?? = entries.withLock(
                waitingFor: condition,
                atMost: .seconds(3600)
            ) { entries in
                switch entries[name] {
                case .made(let engine, let configuration): return (engine, configuration)
                case .making: return nil
                case nil:
                    entries[name] = .making
                    return .some(nil)
                }
            }
            if let found { return found }
        }
    }

    private func settle(_ name: String, _ entry: Entry?) {
        entries.withLock { $0[name] = entry }
        condition.broadcast()
    }
}
