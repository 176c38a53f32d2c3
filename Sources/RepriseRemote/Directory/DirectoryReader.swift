internal import RepriseCore
internal import RepriseWire

/// The thread that looks up who has keys.
struct DirectoryReader {
    let work: DirectoryWork
    let holder: KeyHolder
    let route: any RESPRoute
    /// Other holders that were met, which are asked after in the same round trip.
    private var known: [KeyHolder] = []

    /// Holders that are asked after with each lookup; those beyond it take another round trip.
    private static let knownHolderCountMax = 64

    init(work: DirectoryWork, holder: KeyHolder, route: any RESPRoute) {
        (self.work, self.holder, self.route) = (work, holder, route)
    }

    /// Runs until the directory is closed.
    mutating func run() {
        while let lookups = work.nextLookups() {
            let now = ContinuousClock.now
            for lookup in lookups where lookup.until <= now { lookup.drop() }
            perform(lookups.filter { $0.until > now })
        }
        route.close()
    }

    private mutating func perform(_ lookups: [DirectoryWork.Lookup]) {
        guard !lookups.isEmpty else { return }
        route.deadline = ContinuousClock.now + work.limits.callTimeMax
        let keys = Array(Set(lookups.flatMap(\.keys)))
        do throws(RemoteError) {
            let found = try holders(of: keys)
            work.note(nil)
            let answers = lookups.map { $0.keys.map { found[$0] ?? [] } }
            count(answers)
            for (lookup, answer) in zip(lookups, answers) { lookup.completion(answer) }
        } catch {
            work.note(error)
            for lookup in lookups { lookup.drop() }
        }
    }

    /// The live holders of keys, but for this node.
    private mutating func holders(of keys: [StorageKey]) throws(RemoteError) -> [StorageKey: [KeyHolder]] {
        let asked = known
        let replies = try ask(keys.map(DirectoryLayout.question) + asked.map(DirectoryLayout.isAlive))
        var isAlive = Self.liveness(asked, replies[keys.count...])
        let found = replies[..<keys.count].map { $0.holders.filter { $0 != holder } }
        let unknown = Array(Set(found.joined()).subtracting(asked))
        if !unknown.isEmpty {
            let answers = try ask(unknown.map(DirectoryLayout.isAlive))
            isAlive.merge(Self.liveness(unknown, answers[...])) { $1 }
        }
        remember(isAlive)
        noteDead(
            zip(keys, found).flatMap { key, holders in
                holders.filter { isAlive[$0] != true }.map { (key, $0) }
            }
        )
        return Dictionary(
            uniqueKeysWithValues: zip(keys, found.map { $0.filter { isAlive[$0] == true } })
        )
    }

    private func ask(_ commands: [KeyedCommand]) throws(RemoteError) -> [RESPValue] {
        work.state.withLock { $0.statistics.roundTripCount += 1 }
        let replies = try route.call(commands)
        if let error = replies.firstError { throw error }
        return replies
    }

    private static func liveness(_ holders: [KeyHolder], _ replies: ArraySlice<RESPValue>) -> [KeyHolder:
        Bool]
    {
        Dictionary(uniqueKeysWithValues: zip(holders, replies.map { $0 == .integer(1) }))
    }

    private mutating func remember(_ isAlive: [KeyHolder: Bool]) {
        known = Array(isAlive.filter(\.value).keys.prefix(Self.knownHolderCountMax))
    }

    /// What dead holders have noted is removed behind: they never come back under that name.
    private func noteDead(_ entries: [(StorageKey, KeyHolder)]) {
        guard !entries.isEmpty else { return }
        work.state.withLock { state in
            state.dead += entries.prefix(
                work.limits.deadEntryCountMax - min(work.limits.deadEntryCountMax, state.dead.count)
            )
        }
        work.changed.signal()
    }

    private func count(_ answers: [[[KeyHolder]]]) {
        work.state.withLock { state in
            for answer in answers {
                state.statistics.lookupCount += UInt64(answer.count)
                state.statistics.foundCount += UInt64(answer.count { !$0.isEmpty })
            }
        }
    }
}

extension RESPValue {
    /// The holders that a set's members name; what names none is left out.
    fileprivate var holders: [KeyHolder] {
        let members: [RESPValue]
        switch self {
        case .array(let values), .set(let values): members = values
        default: return []
        }
        return members.compactMap { member in
            guard let bytes = member.bytes, let text = String(validating: bytes, as: UTF8.self) else {
                return nil
            }
            return KeyHolder(parsing: text)
        }
    }
}
