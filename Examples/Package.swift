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
func example(_ name: String, _ libraries: [String]) -> Target {
    .executableTarget(
        name: name,
        dependencies: libraries.map { .product(name: $0, package: "reprise") },
        swiftSettings: house
    )
}

let package = Package(
    name: "Examples",
    dependencies: [
        .package(name: "reprise", path: "..")
    ],
    targets: [
        // An inference server's use of the cache, in its own process.
        example(
            "EmbeddedEngine",
            ["RepriseCore", "RepriseDisk", "RepriseEngine", "RepriseHashing", "RepriseRemote"]
        ),
        // Two nodes that serve each other's values.
        example("TwoNodes", ["RepriseCore", "RepriseNode", "RepriseRemote", "RepriseServer", "RepriseWire"]),
    ]
)
