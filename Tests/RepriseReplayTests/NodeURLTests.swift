import RepriseRemote
import Testing

struct NodeURLTests {
    @Test(arguments: [
        ("lm://127.0.0.1:65432", NodeURL.tcp(host: "127.0.0.1", port: 65432)),
        ("lm://cache-1.example:1", .tcp(host: "cache-1.example", port: 1)),
        ("lm://localhost", .tcp(host: "localhost", port: 65432)),
        ("lm://[::1]:7000", .tcp(host: "::1", port: 7000)),
        ("lm://[fe80::1%eth0]", .tcp(host: "fe80::1%eth0", port: 65432)),
        ("unix:///run/reprise.sock", .unix(path: "/run/reprise.sock")),
    ])
    func `reads each form`(text: String, expected: NodeURL) throws {
        #expect(try NodeURL(parsing: text) == expected)
    }

    @Test(arguments: ["lm://[::1]:7000", "lm://h:1", "unix:///a/b"])
    func `prints what it reads`(text: String) throws {
        #expect(try NodeURL(parsing: text).description == text)
    }

    @Test(arguments: [
        "", "127.0.0.1:65432", "http://h:1", "LM://h:1", "lm://", "lm://:1", "lm://h:", "lm://h:0",
        "lm://h:65536", "lm://h:+1",
        "lm://h:1/", "lm://h:1:2", "lm://::1", "lm://[::1", "lm://[::1]7000", "lm://[h]:1", "lm://a b:1",
        "lm://u@h:1",
        "unix://", "unix:///", "unix://run/x", "unix:///\(String(repeating: "x", count: 107))",
    ])
    func `refuses everything else and names the forms`(text: String) {
        let error = #expect(throws: RemoteError.self) { try NodeURL(parsing: text) }
        #expect(error?.code == .invalidURL)
        #expect(error?.message.contains("lm://host:port") == true)
    }

    @Test func `a path of 107 bytes still fits`() throws {
        let path = "/" + String(repeating: "x", count: 106)
        #expect(try NodeURL(parsing: "unix://\(path)") == .unix(path: path))
    }
}
