// swift-tools-version: 6.2
import PackageDescription

/// The settings every Swift target of Reprise is built with.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
]

/// A program in `Sources/NAME` that uses some of Reprise's libraries.
func benchmark(_ name: String, _ libraries: [String]) -> Target {
    .executableTarget(
        name: name,
        dependencies: libraries.map { .product(name: $0, package: "reprise") },
        swiftSettings: house
    )
}

let package = Package(
    name: "Benchmarks",
    dependencies: [
        .package(name: "reprise", path: "..")
    ],
    targets: [
        benchmark("HashingBenchmark", ["RepriseCore", "RepriseHashing"]),
        benchmark("CoreBenchmark", ["RepriseCore"]),
        benchmark("FragmentationBenchmark", ["RepriseCore", "RepriseTesting"]),
        benchmark("PagedBenchmark", ["RepriseCore", "RepriseEngine"]),
        // Reprise's part of disk_peers.py.
        benchmark("DiskBench", ["RepriseCore", "RepriseDisk"]),
        benchmark("EngineBenchmark", ["RepriseCore", "RepriseEngine", "RepriseHashing", "RepriseRemote"]),
        // Reprise's part of remote_peers.py, and its bare peer.
        benchmark("RemoteBench", ["RepriseCore", "RepriseRemote"]),
        // The peer that moves bytes and does nothing else, and a client of values over RESP and memcached's
        // protocol; see peers.py and redis_peers.py.
        .target(name: "LoopbackSupport"),
        .executableTarget(name: "LoopbackLimit", dependencies: ["LoopbackSupport"]),
        .executableTarget(name: "ValueBench", dependencies: ["LoopbackSupport"]),
    ]
)
