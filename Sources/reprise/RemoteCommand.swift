import ArgumentParser
import RepriseCore
import RepriseRemote
import RepriseWire

/// `reprise remote`: looks into a remote store as the engine's backend sees it.
struct RemoteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remote",
        abstract: "Look into a remote store: values as the engine's backend keeps them there.",
        discussion: """
            URL names a store as LMCache's remote_url does, such as redis://host:6379, \
            redis-cluster://host:7000, lm://host:65432 or fs://host:0/directory. With ?layout=lmcache values \
            in Redis are LMCache's pairs of keys, without it records that prove themselves.
            """,
        subcommands: [
            RemoteGet.self, RemotePut.self, RemoteExists.self, RemoteRemove.self, RemoteList.self,
        ]
    )
}

/// Which store.
struct RemoteOptions: ParsableArguments {
    @Option(name: .long, help: "The seconds that each call may take.")
    var timeout = 10.0

    @Argument(help: "The store's URL.")
    var url: String

    func validate() throws {
        guard timeout > 0, timeout <= 3600 else {
            throw ValidationError("--timeout is 0.001 to 3600 seconds")
        }
    }

    /// Does something with the store, within the time limit.
    func perform<Result>(_ body: (any RemoteConnector) throws -> Result) throws -> Result {
        let limit = Duration.milliseconds(Int64(timeout * 1000))
        let timeouts = RemoteTimeouts(connect: limit, transfer: limit)
        let connector = try RemoteURL(parsing: url).makeConnector(timeouts: timeouts)
        defer { connector.close() }
        connector.deadline = .now + limit
        return try body(connector)
    }
}

/// Memory of its own for one value.
private func allocateAlone(_ byteCount: Int, _ metadata: MemoryObjectMetadata) -> MemoryObject? {
    guard let unitCount = AllocationUnit.count(forByteCount: byteCount) else { return nil }
    let poolByteCount = max(Int(unitCount), 1) * AllocationUnit.byteCount
    let pool = try? MemoryPool(MemoryPool.Configuration(byteCount: poolByteCount))
    return try? pool?.allocate(byteCount: byteCount, metadata: metadata)
}

/// `reprise remote get`: fetches a value.
struct RemoteGet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Fetch a value and write it to a file or standard output.",
        discussion: "Exits with 1 when the key is not stored, and with 65 when what is stored is damaged."
    )

    @OptionGroup var remote: RemoteOptions

    @Option(name: [.short, .long], help: "Where the value goes; - is standard output.", completion: .file())
    var output: String = "-"

    @Argument(help: "The key.")
    var key: String

    func run() throws {
        let value = try remote.perform { try $0.get(StorageKey(key), allocateAlone) }
        switch value {
        case .found(let object):
            defer { object.release() }
            if output != "-" { return try FileDescriptor.write(object.bytes, toFile: output) }
            try Console.write(object.bytes)
        case .absent: throw CommandFailure(.absent, "\(key): not stored")
        case .outOfMemory: throw CommandFailure(.startFailed, "\(key): there is no memory for the value")
        case .corrupt:
            throw CommandFailure(.dataError, "\(key): what is stored is damaged, or in another layout")
        }
    }
}

/// `reprise remote put`: stores a value.
struct RemotePut: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Store a value from a file or standard input, and wait until the store has confirmed it."
    )

    @OptionGroup var remote: RemoteOptions
    @OptionGroup var tensor: TensorOptions

    @Argument(help: "The key.")
    var key: String

    @Argument(help: "The file to store; - is standard input.", completion: .file())
    var file: String = "-"

    func run() throws {
        var buffer = TransferBuffer(byteCapacity: 0)
        let byteCount = try FileDescriptor.read(file, into: &buffer, limit: LMLimits.payloadByteCountMax)
        let metadata = try tensor.metadata() ?? .plain(byteCount: byteCount)
        guard metadata.dtype == nil || metadata.tensorByteCount == byteCount else {
            throw CommandFailure(.usage, "\(key): \(byteCount) bytes are not those of --shape and --dtype")
        }
        guard let object = allocateAlone(byteCount, metadata) else {
            throw CommandFailure(.startFailed, "\(key): there is no memory for \(byteCount) bytes")
        }
        defer { object.release() }
        object.copy(from: buffer.prefix(byteCount))
        try remote.perform { try $0.put(StorageKey(key), object) }
    }
}

/// `reprise remote exists`: asks for keys.
struct RemoteExists: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exists",
        abstract: "Tell by the exit code whether all the keys are stored."
    )

    @OptionGroup var remote: RemoteOptions

    @Argument(help: "The keys.")
    var keys: [String]

    func run() throws {
        let found = try remote.perform { try $0.exists(keys.map { StorageKey($0) }) }
        for (key, isFound) in zip(keys, found) where !isFound { Console.warn("\(key): not stored") }
        guard !found.contains(false) else { throw CommandFailure(.absent, nil) }
    }
}

/// `reprise remote rm`: removes keys.
struct RemoteRemove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Remove keys.",
        discussion: "LMCache's own server cannot remove keys."
    )

    @OptionGroup var remote: RemoteOptions

    @Argument(help: "The keys.")
    var keys: [String]

    func run() throws {
        let removed = try remote.perform { connector in try keys.map { try connector.remove(StorageKey($0)) }
        }
        for (key, wasStored) in zip(keys, removed) where !wasStored { Console.warn("\(key): not stored") }
        guard !removed.contains(false) else { throw CommandFailure(.absent, nil) }
    }
}

/// `reprise remote ls`: lists keys.
struct RemoteList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the keys of the values in this layout, one a line, sorted."
    )

    @OptionGroup var remote: RemoteOptions

    func run() throws {
        let keys = try remote.perform { try $0.list() }.map(\.bytes)
        var text: [UInt8] = []
        for key in keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            text += key
            text.append(UInt8(ascii: "\n"))
        }
        try Console.write(text.rawSpan)
    }
}
