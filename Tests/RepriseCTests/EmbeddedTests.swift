import CReprise
import Testing

/// The C interface over a node in this process; Tests/C drives more of it, from C.
@Suite struct `Embedded client` {
    private static func value(_ seed: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: seed &+ $0 &* 31 &+ $0 / 256) }
    }

    @Test func `what was set is got, found and removed`() {
        let client = CClient()
        let values = (0..<10).map { (key: "k\($0)", value: Self.value($0, 5000)) }
        #expect(client.set(values).results == [Int64](repeating: 0, count: 10))
        let got = client.get(values.map { $0.key }, byteCount: 5000)
        #expect(got.values == values.map { $0.value })
        #expect(client.exists(["k0", "none"]).results == [1, 0])
        #expect(client.lookUp(["k0", "k1", "none", "k2"], keeping: false).prefix == 2)
        #expect(client.remove(["k0", "none"]).results == [1, 0])
        #expect(client.exists(["k0"]).results == [0])
    }

    @Test func `a value of another length is told from one that is missing`() {
        let client = CClient()
        _ = client.set([("k", Self.value(1, 100))])
        #expect(client.get(["k", "none"], byteCount: 99).results == [-8, -1])
    }

    @Test func `more than the memory holds evicts the oldest and no more`() {
        let client = CClient(memoryByteCount: 4 << 20)
        for number in 0..<8 {
            #expect(client.set([("k\(number)", Self.value(number, 1 << 20))]).results == [0])
        }
        #expect(client.exists((0..<8).map { "k\($0)" }).results == [0, 0, 0, 0, 1, 1, 1, 1])
        #expect(client.get(["k7"], byteCount: 1 << 20).values == [Self.value(7, 1 << 20)])
        #expect(client.set([("large", Self.value(1, 5 << 20))]).results == [-9])
    }

    @Test func `a batch larger than the memory keeps its head`() {
        let client = CClient(memoryByteCount: 4 << 20)
        let values = (0..<8).map { (key: "k\($0)", value: Self.value($0, 1 << 20)) }
        #expect(client.set(values).status == 0)
        #expect(client.lookUp(values.map { $0.key }, keeping: false).prefix == 4)
    }

    @Test func `kept values stay and are got by the lookup's number`() {
        let client = CClient(memoryByteCount: 4 << 20)
        _ = client.set([("kept", Self.value(1, 1 << 20))])
        let (_, prefix, lookup) = client.lookUp(["kept", "none"], keeping: true)
        #expect(prefix == 1 && lookup != 0)
        for number in 0..<8 { _ = client.set([("k\(number)", Self.value(number, 1 << 20))]) }
        #expect(client.get(["kept"], byteCount: 1 << 20, lookup: lookup).values == [Self.value(1, 1 << 20)])
        // Redeemed: it can be evicted now.
        for number in 0..<8 { _ = client.set([("k\(number)", Self.value(number, 1 << 20))]) }
        #expect(client.exists(["kept"]).results == [0])
    }

    @Test func `views stay as they are until they are released, within a limit`() {
        let client = CClient(memoryByteCount: 8 << 20)
        _ = client.set((0..<4).map { ("k\($0)", Self.value($0, 1 << 20)) })
        let acquired = unsafe client.acquire(["k0", "none", "k1", "k2", "k3"])
        // A quarter of the memory may be held.
        unsafe #expect(acquired.results == [1 << 20, -1, 1 << 20, -9, -9])
        _ = client.set([("k0", Self.value(9, 1 << 20))])
        // SAFETY: the lease is held, and the view has as many bytes.
        let bytes = unsafe Array(UnsafeRawBufferPointer(start: acquired.views[0].data, count: 1 << 20))
        #expect(bytes == Self.value(0, 1 << 20))
        #expect(client.statistics.leases == 2 && client.statistics.leased_bytes == 2 << 20)
        let leases = unsafe acquired.views.map { unsafe $0.lease }.filter { $0 != 0 }
        #expect(client.release(leases) == 0)
        #expect(client.release([leases[0]]) == -10)
        unsafe #expect(client.acquire(["k2"]).results == [1 << 20])
    }

    @Test func `closing gives everything back and the handle is known to be closed`() {
        var client: CClient? = CClient()
        _ = client?.set([("k", Self.value(1, 100))])
        _ = unsafe client?.acquire(["k"])
        let handle = unsafe client?.handle
        client = nil
        var result: Int64 = 0
        var byte: UInt8 = 1
        // SAFETY: the memory lives during the call, which refuses the handle anyway.
        let status = unsafe withUnsafePointer(to: &byte) { byte in
            var key = unsafe reprise_bytes(data: byte, length: 1)
            return unsafe reprise_exists(handle, &key, 1, &result)
        }
        #expect(status == -6 && CClient.lastError == "the client is closed")
    }
}
