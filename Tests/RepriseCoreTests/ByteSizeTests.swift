import RepriseCore
import Testing

struct ByteSizeTests {
    @Test(arguments: [
        ("0", 0), ("4096", 4096), ("40960000B", 40_960_000), ("64KiB", 65_536), ("64k", 65_536),
        ("4MiB", 4 << 20), ("4GiB", 4 << 30),
        ("4G", 4 << 30), ("1TiB", 1 << 40), ("1kB", 1000), ("100MB", 100_000_000), ("2gb", 2_000_000_000),
        ("1TB", 1_000_000_000_000),
    ])
    func `reads a size with its unit`(text: String, byteCount: Int) throws {
        #expect(try ByteSize(parsing: text).byteCount == byteCount)
    }

    @Test(arguments: [
        "", "GiB", "-1", "+1", " 1", "1 ", "4 GiB", "1.5GiB", "4GiBs", "0x10", "1e3", "٤",
        "99999999999999999999", "9000000TiB",
    ])
    func `refuses everything else and names the forms`(text: String) {
        let error = #expect(throws: UnitError.self) { try ByteSize(parsing: text) }
        #expect(error?.message.contains("64MiB") == true)
    }

    @Test(arguments: [0, 1, 1023, 1024, 40_960_000, 1 << 20, 3 << 30, 1 << 40, Int.max])
    func `reads back what it prints`(byteCount: Int) throws {
        #expect(try ByteSize(parsing: ByteSize(byteCount).description).byteCount == byteCount)
    }

    @Test func `prints the largest unit that is exact`() {
        #expect(
            [0, 1536, 4 << 20, 40_960_000].map { ByteSize($0).description } == [
                "0B", "1536B", "4MiB", "40000KiB",
            ]
        )
    }

    @Test func `traps on a negative size`() async {
        await #expect(processExitsWith: .failure) { _ = ByteSize(-1) }
    }

    @Test(arguments: [
        ("500us", Duration.microseconds(500)), ("250ms", .milliseconds(250)), ("30s", .seconds(30)),
        ("5m", .seconds(300)),
        ("2h", .seconds(7200)), ("1d", .seconds(86400)), ("0s", .zero), ("7ns", .nanoseconds(7)),
    ])
    func `reads a duration with its unit`(text: String, duration: Duration) throws {
        #expect(try DurationText.parse(text) == duration)
        #expect(DurationText.exact(duration) == text)
    }

    @Test(arguments: [
        "", "5", "s", "-1s", "1.5s", "1 s", "5M", "5min", "99999999999d", "99999999999999999999s",
    ])
    func `refuses other durations and names the forms`(text: String) {
        let error = #expect(throws: UnitError.self) { try DurationText.parse(text) }
        #expect(error?.message.contains("250ms") == true)
    }
}
