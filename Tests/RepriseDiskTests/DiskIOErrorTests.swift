import RepriseDisk
import Testing

struct DiskIOErrorTests {
    @Test func `names the call and the system's reason`() {
        let error = DiskIOError(errorNumber: 28, call: "pwritev(data)")
        #expect(error.description == "pwritev(data): No space left on device")
    }
}
