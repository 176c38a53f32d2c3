import RepriseCore
import RepriseTesting
import Testing

@Suite struct `A condition` {
    @Test func `makes up for a signal that is lost`() {
        let state = Lock(false)
        let condition = Condition()
        let thread = Thread(name: "changer") {
            Thread.sleep(milliseconds: 50)
            // Without a signal, as if it had been lost.
            state.withLock { $0 = true }
        }
        let found: Bool? = state.withLock(waitingFor: condition, atMost: .seconds(60)) { $0 ? true : nil }
        thread.join()
        #expect(found == true)
    }

    @Test func `ends a wait in time, and asks once more then`() {
        let state = Lock(0)
        let condition = Condition()
        let found: Int? = state.withLock(waitingFor: condition, atMost: .milliseconds(20)) { state in
            state += 1
            return state == 2 ? state : nil
        }
        #expect(found == 2)
    }

    @Test func `does not wait beyond its limit`() {
        let state = Lock(0)
        let nothing: Int? = state.withLock(waitingFor: Condition(), atMost: .milliseconds(1)) { _ in nil }
        #expect(nothing == nil)
        let never: Int? = state.withLock(waitingFor: Condition(), atMost: .zero) { _ in nil }
        #expect(never == nil)
    }
}
