// Measures how many tokens a second each chunk hash takes on one thread, keys included where named.
//
// Run with: swift run -c release HashingBenchmark [rounds] [tokens]
import Glibc
import RepriseCore
import RepriseHashing

let roundCount = max(7, CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 11)
let tokenCount = max(256, CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) } ?? 2_000_000)

/// Returns tokens a second, in millions, of each round of `work`, which walks all tokens once; sorted.
func measure(_ work: () throws -> Int) rethrows -> [Double] {
    let clock = ContinuousClock()
    var rates: [Double] = []
    // One round more than counted: the first touches the memory.
    for round in 0...roundCount {
        var chunkCount = 0
        let elapsed = try clock.measure { chunkCount = try work() }
        precondition(chunkCount == tokenCount / 256, "a round has hashed \(chunkCount) chunks")
        if round > 0 { rates.append(Double(tokenCount) / (elapsed / .microseconds(1))) }
    }
    return rates.sorted()
}

func report(_ name: String, _ rates: [Double]) {
    let label = name + String(repeating: " ", count: max(0, 28 - name.count))
    let figures = [rates[rates.count / 2], rates[0], rates[rates.count - 1]].map { Int($0.rounded()) }
    print("\(label) median \(figures[0])  min \(figures[1])  max \(figures[2])  million tokens/s")
}

func run() throws {
    // Ids spread over a vocabulary of 151,936, as a tokenizer yields them.
    let ids = (0..<tokenCount).map { ($0 &* 2_654_435_761 &>> 7) % 151_936 }
    let narrow = TokenArray(ids.map { UInt32($0) })
    let wide = TokenArray(ids.map { Int64($0) })
    print("\(tokenCount) tokens in chunks of 256, \(roundCount) rounds")
    let names = ["sha256_uint32", "sha256_int64", "builtin", "sha256_cbor", "blake3"]
    for name in names {
        let algorithm = try ChunkHashAlgorithm(name: name)
        for (tokens, width) in [(narrow, "uint32"), (wide, "int64")] {
            let rates = try measure {
                try ChunkHashes(of: tokens, hasher: ChunkHasher(algorithm), savesUnfullChunk: false)
                    .reduce(into: 0) { count, _ in count += 1 }
            }
            report("\(name) of \(width)", rates)
        }
    }
    for name in ["sha256_uint32", "builtin"] {
        let scope = try KeyScope(
            form: .current(dtype: .bfloat16),
            modelName: "meta-llama/Llama-3.1-8B-Instruct",
            worldSize: 1,
            workerID: 0
        )
        let database = try ChunkedTokenDatabase(
            scope: scope,
            algorithm: ChunkHashAlgorithm(name: name),
            savesUnfullChunk: false
        )
        let rates = try measure {
            try database.processTokens(narrow).reduce(into: 0) { count, chunk in
                count += chunk.key.storageKey.bytes.isEmpty ? 0 : 1
            }
        }
        report("\(name) with storage keys", rates)
    }
}

try run()
