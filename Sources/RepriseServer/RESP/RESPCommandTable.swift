/// All commands with what COMMAND tells of them, and their names for lookup.
enum RESPCommandTable {
    /// A hash table from names to commands, made once.
    static let byName = NameTable()

    /// Each command's specification, at its number.
    static let specifications: [RESPCommandSpecification] = {
        let rows = text.split(separator: "\n").map(RESPCommandSpecification.init(row:))
        precondition(rows.map(\.command) == RESPCommand.allCases, "one row for each command, in its order")
        return rows
    }()

    /// Name, arity, flags, place of the keys, group, version of Redis that has it first, complexity, summary.
    private static let text = """
        get | 2 | readonly fast | one | string | 1.0.0 | O(1) \
        | Returns the value of a key.
        set | -3 | write denyoom | one | string | 1.0.0 | O(1) \
        | Stores a value, with an expiry and under conditions if wanted.
        exists | -2 | readonly fast | all | generic | 1.0.0 | O(N) \
        | Counts which of the keys are stored; a use of each.
        mget | -2 | readonly fast | all | string | 1.0.0 | O(N) \
        | Returns the values of several keys.
        mset | -3 | write denyoom | pairs | string | 1.0.1 | O(N) \
        | Stores several values at once.
        strlen | 2 | readonly fast | one | string | 2.2.0 | O(1) \
        | Returns the length of a value.
        setnx | 3 | write denyoom fast | one | string | 1.0.0 | O(1) \
        | Stores a value if the key has none.
        setex | 4 | write denyoom | one | string | 2.0.0 | O(1) \
        | Stores a value that expires in seconds.
        psetex | 4 | write denyoom | one | string | 2.6.0 | O(1) \
        | Stores a value that expires in milliseconds.
        getset | 3 | write denyoom fast | one | string | 1.0.0 | O(1) \
        | Stores a value and returns the one before.
        getdel | 2 | write fast | one | string | 6.2.0 | O(1) \
        | Returns a value and removes its key.
        getex | -2 | write fast | one | string | 6.2.0 | O(1) \
        | Returns a value and sets when it expires.
        del | -2 | write | all | generic | 1.0.0 | O(N) \
        | Removes keys.
        unlink | -2 | write fast | all | generic | 4.0.0 | O(N) \
        | Removes keys.
        touch | -2 | readonly fast | all | generic | 3.2.1 | O(N) \
        | Counts a use of each key.
        type | 2 | readonly fast | one | generic | 1.0.0 | O(1) \
        | Returns string, or none for a key that is not stored.
        ttl | 2 | readonly fast | one | generic | 1.0.0 | O(1) \
        | Returns in how many seconds a key expires.
        pttl | 2 | readonly fast | one | generic | 2.6.0 | O(1) \
        | Returns in how many milliseconds a key expires.
        expiretime | 2 | readonly fast | one | generic | 7.0.0 | O(1) \
        | Returns when a key expires, in seconds since 1970.
        pexpiretime | 2 | readonly fast | one | generic | 7.0.0 | O(1) \
        | Returns when a key expires, in milliseconds since 1970.
        expire | -3 | write fast | one | generic | 1.0.0 | O(1) \
        | Lets a key expire in seconds.
        pexpire | -3 | write fast | one | generic | 2.6.0 | O(1) \
        | Lets a key expire in milliseconds.
        expireat | -3 | write fast | one | generic | 1.2.0 | O(1) \
        | Lets a key expire at a time in seconds since 1970.
        pexpireat | -3 | write fast | one | generic | 2.6.0 | O(1) \
        | Lets a key expire at a time in milliseconds since 1970.
        persist | 2 | write fast | one | generic | 2.2.0 | O(1) \
        | Lets a key expire no more.
        scan | -2 | readonly | none | generic | 2.8.0 | O(COUNT) \
        | Walks over the keys in steps.
        keys | 2 | readonly | none | generic | 1.0.0 | O(N) \
        | Returns the keys that match a pattern.
        randomkey | 1 | readonly | none | generic | 1.0.0 | O(1) \
        | Returns one of the keys.
        dbsize | 1 | readonly fast | none | server | 1.0.0 | O(1) \
        | Counts the keys.
        flushdb | -1 | write | none | server | 1.0.0 | O(N) \
        | Removes all keys.
        flushall | -1 | write | none | server | 1.0.0 | O(N) \
        | Removes all keys.
        memory | -2 | readonly | none | server | 4.0.0 | O(1) \
        | MEMORY USAGE: bytes that a value takes of the memory.
        ping | -1 | fast | none | connection | 1.0.0 | O(1) \
        | Answers PONG, or its argument.
        echo | 2 | fast loading stale | none | connection | 1.0.0 | O(1) \
        | Answers its argument.
        hello | -1 | noscript loading stale fast no_auth allow_busy | none | connection | 6.0.0 | O(1) \
        | Chooses the protocol version and authenticates.
        auth | -2 | noscript loading stale fast no_auth allow_busy | none | connection | 1.0.0 | O(1) \
        | Authenticates the connection.
        select | 2 | loading stale fast | none | connection | 1.0.0 | O(1) \
        | Accepts database 0, the only one.
        quit | -1 | noscript loading stale fast no_auth allow_busy | none | connection | 1.0.0 | O(1) \
        | Closes the connection.
        reset | 1 | noscript loading stale fast no_auth allow_busy | none | connection | 6.2.0 | O(1) \
        | Makes the connection as it was when it was new.
        client | -2 |  | none | connection | 2.4.0 | O(N) \
        | Commands on connections; CLIENT HELP lists them.
        readonly | 1 | loading stale fast | none | cluster | 3.0.0 | O(1) \
        | Accepted for cluster clients; changes nothing.
        readwrite | 1 | loading stale fast | none | cluster | 3.0.0 | O(1) \
        | Accepted for cluster clients; changes nothing.
        command | -1 | loading stale | none | server | 2.8.13 | O(N) \
        | Describes the commands.
        config | -2 | admin noscript loading stale | none | server | 2.0.0 | O(N) \
        | Reads and changes the settings; CONFIG HELP lists its commands.
        info | -1 | loading stale | none | server | 1.0.0 | O(1) \
        | Returns information and statistics.
        time | 1 | loading stale fast | none | server | 2.6.0 | O(1) \
        | Returns the server's time.
        cluster | -2 |  | none | cluster | 3.0.0 | O(1) \
        | Describes a cluster of this one node; CLUSTER HELP lists its commands.
        role | 1 | noscript loading stale fast | none | server | 2.8.12 | O(1) \
        | Says that the node is a master without replicas.
        """

    /// Open addressing over the names' words.
    struct NameTable {
        private static let slotCount = 256
        private var slots = [(name: ShortName, command: RESPCommand)?](repeating: nil, count: slotCount)

        init() {
            for command in RESPCommand.allCases {
                guard let name = ShortName(command.name) else { continue }
                var index = Int(name.mixed >> 56)
                while slots[index] != nil { index = (index + 1) % Self.slotCount }
                slots[index] = (name, command)
            }
        }

        subscript(name: ShortName) -> RESPCommand? {
            var index = Int(name.mixed >> 56)
            while let slot = slots[index] {
                if slot.name == name { return slot.command }
                index = (index + 1) % Self.slotCount
            }
            return nil
        }
    }
}
