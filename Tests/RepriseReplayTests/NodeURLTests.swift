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
        "redis://", "redis://h/1", "redis://h?db=0", "redis://u@h", "redis://a@b@h", "redis://:p@",
        "redis://:@h",
        "redis://:a%2@h", "redis://:a%zz@h", "redis://:a/b@h", "redis+unix://", "redis+unix://x/y",
        "redis+unix://:p@", "unix://", "unix:///", "unix://run/x",
        "unix:///\(String(repeating: "x", count: 107))",
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

    private static func redis(_ host: String, _ port: UInt16, _ password: String? = nil) throws -> NodeURL {
        let credentials = try password.map { try NodeCredentials(password: Array($0.utf8)) }
        return NodeURL(.resp, .tcp(host: host, port: port)).with(credentials)
    }

    @Test func `reads the forms of RESP`() throws {
        #expect(try NodeURL(parsing: "redis://h") == Self.redis("h", 65432))
        #expect(try NodeURL(parsing: "redis://h/") == Self.redis("h", 65432))
        #expect(try NodeURL(parsing: "redis://h:6379/0") == Self.redis("h", 6379))
        #expect(try NodeURL(parsing: "redis://[::1]:6379") == Self.redis("::1", 6379))
        #expect(try NodeURL(parsing: "redis://:p+w:x@h:1") == Self.redis("h", 1, "p+w:x"))
        #expect(try NodeURL(parsing: "redis://default:p@h:1") == Self.redis("h", 1, "p"))
        let unix = NodeURL(.resp, .unix(path: "/run/a b.sock"))
        #expect(try NodeURL(parsing: "redis+unix:///run/a b.sock") == unix)
        let locked = unix.with(try NodeCredentials(user: "me", password: [0x70]))
        #expect(try NodeURL(parsing: "redis+unix://me:p@/run/a b.sock") == locked)
    }

    @Test func `a password is percent-decoded`() throws {
        let url = try NodeURL(parsing: "redis://us%65r:%40%2f%3A%25%ff+@h")
        #expect(url.credentials?.user == "user")
        #expect(url.credentials?.password == [0x40, 0x2F, 0x3A, 0x25, 0xFF, 0x2B])
    }

    @Test(arguments: ["redis://[::1]:7000", "redis://h:1", "redis+unix:///a/b"])
    func `prints what it reads of RESP`(text: String) throws {
        #expect(try NodeURL(parsing: text).description == text)
    }

    @Test func `no way to print a URL shows the password`() throws {
        let url = try NodeURL(parsing: "redis://:hunter2@h:1")
        #expect("\(url)" == "redis://h:1")
        var dumped = ""
        dump(url, to: &dumped)
        dump(url.credentials, to: &dumped)
        for text in [dumped, String(reflecting: url), String(describing: url.credentials)] {
            #expect(!text.contains("hunter2") && !text.contains("104"), "\(text)")
        }
    }

    @Test(arguments: [
        "redis://:hunter2@", "redis://:hunter2", "redis://hunter2@h", "redis://:hunter2/x@h",
        "redis://:hunter2@h:x", "redis://:hunter2%@h", "rediss://:hunter2@h", "http://u:hunter2@h",
        "lm://u:hunter2@h", ":hunter2@h", "redis://:hunter2@x@h", "redis://default:hunter2",
    ])
    func `no message shows the password`(text: String) {
        let error = #expect(throws: RemoteError.self) { try NodeURL(parsing: text) }
        #expect(error?.message.contains("hunter2") == false)
    }

    @Test func `TLS is refused with the reason`() {
        let error = #expect(throws: RemoteError.self) { try NodeURL(parsing: "rediss://h") }
        #expect(error?.message.contains("no TLS yet") == true)
    }
}
