import RepriseCore

/// Threads for tests that hammer something from several sides.
public enum Threads {
    /// Runs `body` on `count` threads of our own at once, with their numbers from 0, and waits for all of
    /// them.
    public static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let threads = (0..<count).map { number in Thread(name: "test-\(number)") { body(number) } }
        for thread in threads { thread.join() }
    }

    /// Runs `body` on `count` threads at once and returns what each returned, in the order of their numbers.
    public static func map<Value: Sendable>(
        _ count: Int,
        _ body: @escaping @Sendable (Int) -> Value
    ) -> [Value] {
        let values = Lock<[Int: Value]>([:])
        run(count) { number in
            let value = body(number)
            values.withLock { $0[number] = value }
        }
        let found = values.withLock { $0 }
        return (0..<count).compactMap { found[$0] }
    }
}
