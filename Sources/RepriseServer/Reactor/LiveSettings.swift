internal import Synchronization

/// The limits that can be changed while the server runs, by CONFIG SET.
final class LiveSettings: Sendable {
    private let connections: Atomic<Int>
    private let value: Atomic<Int>
    private let rate: Atomic<Int>

    init(_ limits: ServerLimits) {
        connections = Atomic(limits.connectionCountMax)
        value = Atomic(limits.valueByteCountMax)
        rate = Atomic(limits.minimumTransferRate)
    }

    /// See ``ServerLimits/connectionCountMax``.
    var connectionCountMax: Int {
        get { connections.load(ordering: .relaxed) }
        set { connections.store(newValue, ordering: .relaxed) }
    }

    /// See ``ServerLimits/valueByteCountMax``.
    var valueByteCountMax: Int {
        get { value.load(ordering: .relaxed) }
        set { value.store(newValue, ordering: .relaxed) }
    }

    /// See ``ServerLimits/minimumTransferRate``.
    var minimumTransferRate: Int {
        get { rate.load(ordering: .relaxed) }
        set { rate.store(newValue, ordering: .relaxed) }
    }
}
