import ArgumentParser
import RepriseCore
import RepriseRemote
import RepriseReplay

/// Measures a serde in place of a server.
struct SerdeOptions: ParsableArguments {
    /// The serdes that are not exact.
    enum Name: String, CaseIterable, ExpressibleByArgument { case fp8 }

    @Option(
        name: .customLong("serde"),
        help: ArgumentHelp(
            "Measure this serde in this process, and no server: its error, its size and its speed.",
            valueName: "serde"
        )
    )
    var name: Name?

    @Option(help: ArgumentHelp("Elements of a head. (default: 128)", valueName: "count"))
    var headSize: Int?

    @Option(
        help: ArgumentHelp(
            "The element type: bfloat16, half or float. (default: bfloat16)",
            valueName: "dtype"
        )
    )
    var serdeDtype: String?

    @Option(
        help: ArgumentHelp(
            "A file of row-major elements, tokens by heads by head size, in place of normal random numbers.",
            valueName: "file"
        ),
        completion: .file()
    )
    var tensor: String?

    func validate() throws {
        guard name != nil || headSize == nil && serdeDtype == nil && tensor == nil else {
            throw ValidationError("--head-size, --serde-dtype and --tensor belong to --serde")
        }
        guard headElementCount > 0, headElementCount.isMultiple(of: 16), headElementCount <= 1 << 16 else {
            throw ValidationError("--head-size takes a multiple of 16")
        }
        guard dtype != nil else {
            throw ValidationError("--serde-dtype takes bfloat16, half or float")
        }
    }

    /// The largest tensor that is measured.
    private static let tensorByteCountMax = 1 << 30

    private var headElementCount: Int { headSize ?? 128 }

    private var dtype: DType? {
        let dtype = DType(keyWord: serdeDtype ?? "bfloat16")
        return dtype.flatMap { [.bfloat16, .float16, .float32].contains($0) ? $0 : nil }
    }

    /// Measures tensors of about so many bytes, and prints what came of it.
    func run(byteCount: Int, json: Bool) throws {
        guard let name, let dtype else { return }
        var source = SerdeBench.Source.normal(seed: 1)
        var byteCount = byteCount
        if let tensor {
            var buffer = TransferBuffer(byteCapacity: 0)
            let count = try FileDescriptor.read(tensor, into: &buffer, limit: Self.tensorByteCountMax)
            let bytes = [UInt8](copying: buffer.prefix(count))
            (source, byteCount) = (.bytes(bytes), bytes.count)
        }
        let rowByteCount = headElementCount * dtype.byteCount
        guard byteCount >= rowByteCount, tensor == nil || byteCount.isMultiple(of: rowByteCount) else {
            throw CommandFailure(.usage, "\(byteCount) bytes are not whole heads of \(rowByteCount) bytes")
        }
        let metadata = MemoryObjectMetadata(
            shape: [1, 1, byteCount / rowByteCount, headElementCount],
            dtype: dtype,
            format: .kvMLA
        )
        let serde = FP8Serde(headElementCount: headElementCount)
        let result = try SerdeBench(serde: serde, metadata: metadata, source: source).run()
        let report = SerdeReport(name.rawValue, result)
        try Console.writeLine(json ? report.json.text : report.table)
    }
}
