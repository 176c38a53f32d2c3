import ArgumentParser
import RepriseCore
import RepriseRemote

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

    /// Memory of its own for one value.
    static func allocate(_ byteCount: Int, _ metadata: MemoryObjectMetadata) -> MemoryObject? {
        guard let unitCount = AllocationUnit.count(forByteCount: byteCount) else { return nil }
        let poolByteCount = max(Int(unitCount), 1) * AllocationUnit.byteCount
        let pool = try? MemoryPool(MemoryPool.Configuration(byteCount: poolByteCount))
        return try? pool?.allocate(byteCount: byteCount, metadata: metadata)
    }
}
