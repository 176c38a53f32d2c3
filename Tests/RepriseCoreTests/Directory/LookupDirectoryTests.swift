import RepriseCore
import RepriseTesting
import Testing

/// K81, in memory.
struct LookupDirectoryTests {
    private let table = LocalLookupTable()

    private func directory(_ host: String) -> LocalLookupDirectory {
        LocalLookupDirectory(table, holder: KeyHolder(host: host, port: 1))
    }

    private func holders(_ directory: LocalLookupDirectory, _ keys: [StorageKey]) -> [Set<String>] {
        Threads.map(1) { _ in directory.holders(of: keys) }[0].map { Set($0.map(\.host)) }
    }

    @Test func `K81 a key is found at its holders, of which there may be several`() {
        let (a, b, c) = (directory("a"), directory("b"), directory("c"))
        a.insert(["k", "l"])
        b.insert(["k"])
        #expect(holders(c, ["k", "l", "m"]) == [["a", "b"], ["a"], []])
        #expect(holders(a, ["k", "l"]) == [["b"], []])
    }

    @Test func `K81 a holder removes nobody's entry but its own`() {
        let (a, b, c) = (directory("a"), directory("b"), directory("c"))
        a.insert(["k"])
        b.insert(["k"])
        b.remove(["k", "l"])
        b.remove(["k"])
        #expect(holders(c, ["k"]) == [["a"]])
        b.removeAll()
        b.close()
        #expect(holders(c, ["k"]) == [["a"]])
        a.close()
        #expect(holders(c, ["k"]) == [[]])
    }

    @Test func `K81 removing no keys does nothing`() {
        let (a, b) = (directory("a"), directory("b"))
        a.insert(["k"])
        a.remove([])
        a.insert([])
        #expect(holders(b, ["k"]) == [["a"]])
        #expect(holders(b, []) == [])
    }

    @Test func `entries end with their holder's heartbeat, and come back with it`() {
        let clock = Lock(ContinuousClock.now)
        let table = LocalLookupTable(lifetime: .seconds(10)) { clock.withLock { $0 } }
        let a = LocalLookupDirectory(table, holder: KeyHolder(host: "a", port: 1))
        let b = LocalLookupDirectory(table, holder: KeyHolder(host: "b", port: 1))
        a.insert(["k"])
        clock.withLock { $0 += .seconds(9) }
        #expect(holders(b, ["k"]) == [["a"]])
        clock.withLock { $0 += .seconds(2) }
        #expect(holders(b, ["k"]) == [[]])
        a.heartbeat()
        #expect(holders(b, ["k"]) == [["a"]])
    }

    @Test(arguments: [
        "localhost:1#0000000000000001", "[::1]:65535#ffffffffffffffff", "10.0.0.1:6#00ff00ff00ff00ff",
    ])
    func `a holder reads back as it was written`(text: String) {
        #expect(KeyHolder(parsing: text)?.description == text)
    }

    @Test(arguments: [
        "", "a", "a:1", "a:0#0000000000000001", "a:70000#0000000000000001", "a:1#1", "::1:5#0000000000000001",
        ":1#0000000000000001", "a b:1#0000000000000001", "a:1#000000000000000g", "a:1#0000000000000001#",
    ])
    func `what is no holder is read as none`(text: String) {
        #expect(KeyHolder(parsing: text) == nil)
    }
}
