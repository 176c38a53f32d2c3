import RepriseRemote
import RepriseReplay
import Testing

struct BenchTests {
    private func configuration(_ node: DictionaryNode, _ mix: String) throws -> BenchConfiguration {
        let phases = try #require(BenchPhase.parse(mix: mix))
        return BenchConfiguration(
            url: node.url,
            valueByteCount: 10_000,
            connectionCount: 3,
            keyCount: 7,
            amount: .operations(50),
            phases: phases
        )
    }

    @Test(arguments: [NodeURL.Wire.lm, .resp])
    func `each phase does what was asked, over all connections`(wire: NodeURL.Wire) throws {
        let node = DictionaryNode("bench-phases", wire)
        defer { node.stop() }
        var configuration = try configuration(node, "put,get,exist")
        configuration.verifies = true
        let results = try Bench(configuration).run()
        #expect(results.map { $0.operations.map(\.operation) } == [[.put], [.get], [.exist]])
        for result in results.flatMap(\.operations) {
            #expect(result.latencies.count == 50)
            #expect(result.missCount == 0)
            #expect(result.wrongByteCount == 0)
            #expect(result.byteCount == (result.operation == .exist ? 0 : 500_000))
        }
        #expect(node.count == 7)
    }

    @Test(arguments: [NodeURL.Wire.lm, .resp])
    func `a mixed phase stores first and shares the operations by weight`(wire: NodeURL.Wire) throws {
        let node = DictionaryNode("bench-mix", wire)
        defer { node.stop() }
        let results = try Bench(configuration(node, "put=1,get=4")).run()
        let operations = try #require(results.first).operations
        #expect(operations.map(\.operation) == [.put, .get])
        #expect(operations[0].latencies.count + operations[1].latencies.count == 50)
        #expect(operations[1].latencies.count > operations[0].latencies.count)
        #expect(operations.allSatisfy { $0.missCount == 0 })
    }

    @Test(arguments: [NodeURL.Wire.lm, .resp])
    func `wrong bytes are counted`(wire: NodeURL.Wire) throws {
        let node = DictionaryNode("bench-corrupt", wire, fault: .corruptsValues)
        defer { node.stop() }
        var configuration = try configuration(node, "put,get")
        configuration.verifies = true
        let results = try Bench(configuration).run()
        #expect(results[1].operations[0].wrongByteCount == 50)
        #expect(BenchReport(configuration, results).wrongByteCount == 50)
    }

    @Test(arguments: [NodeURL.Wire.lm, .resp])
    func `puts that were not kept and gets without a value are misses`(wire: NodeURL.Wire) throws {
        let node = DictionaryNode("bench-drop", wire, fault: .dropsPuts)
        defer { node.stop() }
        let results = try Bench(configuration(node, "put,get,exist")).run()
        #expect(results.map { $0.operations[0].missCount } == [50, 50, 50])
        #expect(results[1].operations[0].byteCount == 0)
    }

    @Test func `a connection that fails ends the benchmark with its error`() throws {
        let node = DictionaryNode("bench-close", fault: .closesOnGet)
        defer { node.stop() }
        let bench = try Bench(configuration(node, "put,get"))
        let error = #expect(throws: RemoteError.self) { try bench.run() }
        #expect(error?.code == .closed)
    }

    @Test func `a server that is not there is refused`() throws {
        let node = DictionaryNode("bench-gone")
        defer { node.stop() }
        node.removeName()
        let error = #expect(throws: RemoteError.self) { try Bench(configuration(node, "put")) }
        #expect(error?.code == .refused)
    }

    @Test func `the report has a row for each operation`() throws {
        let node = DictionaryNode("bench-report")
        defer { node.stop() }
        let configuration = try configuration(node, "put,get")
        let report = BenchReport(configuration, try Bench(configuration).run())
        let lines = report.table.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines[2].hasPrefix("put") && lines[3].hasPrefix("get"))
        #expect(report.json.text.contains("\"value_bytes\": 10000"))
    }

    @Test(arguments: ["", "put,", "puts", "put=0", "put=1,get", "put=1,put=2", "put=x", "put=1=2", "get=-1"])
    func `a mix that makes no sense is refused`(text: String) {
        #expect(BenchPhase.parse(mix: text) == nil)
    }

    @Test func `a configuration that cannot run names its problem`() throws {
        let phases = try #require(BenchPhase.parse(mix: "put"))
        var configuration = BenchConfiguration(
            url: .unix(path: "/x"),
            valueByteCount: 1,
            connectionCount: 2,
            keyCount: 2,
            amount: .operations(2),
            phases: phases
        )
        #expect(configuration.problem == nil)
        configuration.keyCount = 1
        #expect(configuration.problem != nil)
        configuration.keyCount = 2
        configuration.amount = .operations(1)
        #expect(configuration.problem != nil)
        configuration.amount = .duration(.zero)
        #expect(configuration.problem != nil)
    }
}
