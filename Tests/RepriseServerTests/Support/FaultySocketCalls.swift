import Glibc
import RepriseCore
import RepriseServer
import RepriseTesting

/// Socket calls that tear transfers into pieces, stall them and, where asked to, reset connections; seeded.

final class FaultySocketCalls: SocketCalls {
    private let system = SystemSocketCalls()
    private let random: Lock<SeededGenerator>
    private let pieceByteCountMax: Int
    private let resetChance: Int

    /// Creates the calls.
    ///
    /// - Parameters:
    ///   - pieceByteCountMax: The most bytes moved by one call.
    ///   - resetChance: One call in so many fails with a reset; 0 for none.
    init(seed: UInt64, pieceByteCountMax: Int, resetChance: Int = 0) {
        random = Lock(SeededGenerator(seed: seed))
        self.pieceByteCountMax = pieceByteCountMax
        self.resetChance = resetChance
    }

    private enum Fate {
        case result(TransferResult)
        case piece(Int)
    }

    private func fate(of byteCount: Int) -> Fate {
        random.withLock { random in
            if resetChance > 0, Int.random(in: 0..<resetChance, using: &random) == 0 {
                return .result(.failed(ECONNRESET))
            }
            if Int.random(in: 0..<4, using: &random) == 0 { return .result(.wouldBlock) }
            return .piece(Int.random(in: 1...min(byteCount, pieceByteCountMax), using: &random))
        }
    }

    func receive(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> TransferResult {
        switch fate(of: buffer.count) {
        case .result(let result): return result
        case .piece(let count):
            return unsafe system.receive(
                descriptor,
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[0..<count])
            )
        }
    }

    func send(_ descriptor: Int32, _ vectors: UnsafeMutableBufferPointer<iovec>) -> TransferResult {
        let byteCount = unsafe vectors.reduce(0) { unsafe $0 + $1.iov_len }
        switch fate(of: byteCount) {
        case .result(let result): return result
        case .piece(var count):
            var used = 0
            // SAFETY: the vectors are shortened, never lengthened.
            while count > 0 {
                unsafe vectors[used].iov_len = unsafe min(vectors[used].iov_len, count)
                count -= unsafe vectors[used].iov_len
                used += 1
            }
            return unsafe system.send(descriptor, UnsafeMutableBufferPointer(rebasing: vectors[0..<used]))
        }
    }
}
