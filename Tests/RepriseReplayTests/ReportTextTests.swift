import RepriseReplay
import Testing

struct ReportTextTests {
    @Test(arguments: [
        (0.0, "0.00 ns"), (999, "999 ns"), (1_234, "1.23 us"), (12_345, "12.3 us"), (123_456_789, "123 ms"),
        (2.5e9, "2.50 s"),
    ])
    func `durations have three digits and a unit`(nanoseconds: Double, expected: String) {
        #expect(HumanText.nanoseconds(nanoseconds) == expected)
    }

    @Test(arguments: [
        (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (5_000_000, "4.77 MiB"), (1 << 34, "16.0 GiB"),
    ])
    func `sizes are in powers of 1024`(byteCount: Int, expected: String) {
        #expect(HumanText.bytes(byteCount) == expected)
    }

    @Test(arguments: [
        (0, "0"), (999, "999"), (1000, "1,000"), (288_500, "288,500"), (-1_234_567, "-1,234,567"),
    ])
    func `counts have their thousands apart`(count: Int, expected: String) {
        #expect(HumanText.count(count) == expected)
    }

    @Test(arguments: [
        (0.3664, 3, "0.366"), (0.0004, 3, "0.000"), (-0.0004, 3, "0.000"), (-1.25, 1, "-1.3"),
        (12.0, 0, "12"),
    ])
    func `fixed numbers are rounded`(value: Double, digits: Int, expected: String) {
        #expect(HumanText.fixed(value, digits: digits) == expected)
    }

    @Test func `rates are in powers of 1000`() {
        #expect(HumanText.rate(bytesPerSecond: 4.214e9) == "4.21 GB/s")
    }

    @Test func `columns are aligned and lines end without spaces`() {
        let table = TextTable(
            alignments: [.left, .right, .left],
            rows: [["a", "10", "x"], ["long", "9", ""]]
        )
        #expect(table.text == "a     10  x\nlong   9")
    }

    @Test func `samples are read in order and comments left out`() {
        let text = "# HELP a b\na 1\n\nb{tier=\"me mory\"} 2.5\nbroken\nc +Inf\n"
        let expected = [("a", "1"), ("b{tier=\"me mory\"}", "2.5"), ("c", "+Inf")]
        let samples = MetricSample.parse(text)
        #expect(samples.map(\.name) == expected.map(\.0))
        #expect(samples.map(\.value) == expected.map(\.1))
    }

    @Test func `objects are indented and keep their order`() {
        let value = JSONValue.object([
            ("b", .integer(1)), ("a", .array([.bool(true), .number(0.5), .number(.infinity)])),
            ("e", .object([])),
        ])
        #expect(
            value.text == "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    0.5,\n    null\n  ],\n  \"e\": {}\n}"
        )
    }

    @Test func `strings are escaped`() {
        #expect(JSONValue.string("a\"\\\n\u{1}é").text == "\"a\\\"\\\\\\n\\u0001é\"")
    }

    @Test(arguments: [
        ("12", "12"), ("1.5", "1.5"), ("1e3", "1000.0"), ("+Inf", "\"+Inf\""), ("NaN", "\"NaN\""),
        ("007", "\"007\""),
    ])
    func `numbers that JSON lacks become texts`(text: String, expected: String) {
        #expect(JSONValue(number: text).text == expected)
    }
}
