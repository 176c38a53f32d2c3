import RepriseRemote
import RepriseReplay
import Testing

struct ReplayTests {
    private static let trace = [[0, 1, 2, 3], [0, 1, 4], [0, 1, 2, 3, 5], [], [0, 1, 4, 6], [7, 7]]
        .map { TraceRequest(blockIDs: $0) }

    private func replay(
        _ node: DictionaryNode,
        _ requests: [TraceRequest] = trace,
        blockByteCount: Int = 1000,
        keyPrefix: String? = nil
    ) throws -> ReplayResult {
        try Replay(ReplayConfiguration(url: node.url, blockByteCount: blockByteCount, keyPrefix: keyPrefix))
            .run(requests)
    }

    @Test(arguments: [NodeURL.Wire.lm, .resp])
    func `a node that keeps everything has every block but the first of its kind`(wire: NodeURL.Wire) throws {
        let node = DictionaryNode("replay-all", wire)
        defer { node.stop() }
        let result = try replay(node)
        #expect(result.requestCount == 6)
        #expect(result.blockReferenceCount == 18)
        #expect(result.hitCount == 9)
        #expect(result.hitRate == 0.5)
        #expect(result.storedBlockCount == 8)
        #expect(node.count == 8)
        #expect(result.readByteCount == 9000 && result.storedByteCount == 8000)
        #expect(result.wrongByteCount == 0 && result.wrongBlockCount == 0 && result.unkeptRequestCount == 0)
        #expect(result.lookupLatencies.count == 6 && result.storeLatencies.count == 5)
    }

    @Test(arguments: [NodeURL.Wire.lm, .resp])
    func `a second replay hits everything`(wire: NodeURL.Wire) throws {
        let node = DictionaryNode("replay-twice", wire)
        defer { node.stop() }
        _ = try replay(node)
        let result = try replay(node)
        #expect(result.hitCount == 18 && result.storedBlockCount == 0)
    }

    @Test(arguments: [NodeURL.Wire.lm, .resp], 1..<12 as Range<Int>)
    func `hits follow a least recently used cache of exact capacity`(
        wire: NodeURL.Wire,
        capacity: Int
    ) throws {
        let node = DictionaryNode("replay-lru-\(capacity)", wire, capacity: capacity)
        defer { node.stop() }
        let requests = (0..<60).map { index in
            TraceRequest(
                blockIDs: (0..<UInt64(3 + index % 4)).map { $0 < 2 ? $0 : UInt64(index % 7) * 10 + $0 }
            )
        }
        var (order, hitCount) = ([UInt64](), 0)
        for request in requests {
            var missing: [UInt64] = []
            for id in request.blockIDs {
                guard let place = order.firstIndex(of: id) else { missing.append(id); continue }
                order.append(order.remove(at: place))
                hitCount += 1
            }
            order.append(contentsOf: missing)
            order.removeFirst(max(0, order.count - capacity))
        }
        #expect(try replay(node, requests, blockByteCount: 64).hitCount == hitCount)
    }

    @Test(arguments: [NodeURL.Wire.lm, .resp])
    func `corrupt values are counted by byte and by block`(wire: NodeURL.Wire) throws {
        let node = DictionaryNode("replay-corrupt", wire, fault: .corruptsValues)
        defer { node.stop() }
        let result = try replay(node)
        #expect(result.hitCount == 9)
        #expect(result.wrongByteCount == 9 && result.wrongBlockCount == 9)
    }

    @Test(arguments: [NodeURL.Wire.lm, .resp])
    func `a node that keeps nothing is noticed`(wire: NodeURL.Wire) throws {
        let node = DictionaryNode("replay-drop", wire, fault: .dropsPuts)
        defer { node.stop() }
        let result = try replay(node)
        #expect(result.hitCount == 0)
        #expect(result.unkeptRequestCount == 5)
    }

    @Test func `blocks of another size under the same keys are wrong`() throws {
        let node = DictionaryNode("replay-size")
        defer { node.stop() }
        _ = try replay(node, blockByteCount: 100, keyPrefix: "same")
        #expect(try replay(node, blockByteCount: 101, keyPrefix: "same").wrongBlockCount == 18)
        #expect(try replay(node, blockByteCount: 101).wrongBlockCount == 0)
    }

    @Test func `a connection that fails ends the replay`() {
        let node = DictionaryNode("replay-close", fault: .closesOnGet)
        defer { node.stop() }
        let error = #expect(throws: RemoteError.self) { try replay(node) }
        #expect(error?.code == .closed)
    }

    @Test func `the report names hit rate and wrong bytes`() throws {
        let node = DictionaryNode("replay-report")
        defer { node.stop() }
        let configuration = ReplayConfiguration(url: node.url, blockByteCount: 1000)
        let report = ReplayReport(traceName: "t.jsonl", configuration, try replay(node))
        #expect(report.text.contains("0.5000 (9 of 18 blocks)"))
        #expect(report.text.contains("wrong bytes  0\n"))
        #expect(report.json.text.contains("\"hit_rate\": 0.5"))
    }

    @Test(arguments: [(7, true), (8, false), (1 << 20, false), (1 << 31, true)])
    func `a block size that cannot be has a problem`(byteCount: Int, isProblem: Bool) {
        let configuration = ReplayConfiguration(url: .unix(path: "/x"), blockByteCount: byteCount)
        #expect((configuration.problem != nil) == isProblem)
    }
}
