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

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")

/// A library target in `Sources/NAME`.
func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: house)
}

/// A test target in `Tests/NAME`.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: house)
}

let package = Package(
    name: "reprise",
    products: [
        .executable(name: "reprise", targets: ["reprise"]),
        .library(name: "RepriseCore", targets: ["RepriseCore"]),
        .library(name: "RepriseDisk", targets: ["RepriseDisk"]),
        .library(name: "RepriseEngine", targets: ["RepriseEngine"]),
        .library(name: "RepriseHashing", targets: ["RepriseHashing"]),
        .library(name: "RepriseWire", targets: ["RepriseWire"]),
        .library(name: "RepriseNode", targets: ["RepriseNode"]),
        .library(name: "RepriseServer", targets: ["RepriseServer"]),
        .library(name: "RepriseRemote", targets: ["RepriseRemote"]),
        .library(name: "RepriseReplay", targets: ["RepriseReplay"]),
        .library(name: "RepriseConfiguration", targets: ["RepriseConfiguration"]),
        .library(name: "RepriseTesting", targets: ["RepriseTesting"]),
        // What scripts/library links to libreprise.so.
        .library(name: "reprise-c", type: .static, targets: ["RepriseC"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .target(name: "CRepriseShims"),
        library("RepriseCore", ["CRepriseShims"]),
        library("RepriseHashing", ["RepriseCore", crypto]),
        library("RepriseWire", ["RepriseCore"]),
        library("RepriseDisk", ["RepriseCore", "CRepriseShims"]),
        library("RepriseEngine", ["RepriseCore", "RepriseHashing"]),
        library("RepriseTesting", ["RepriseCore", "RepriseDisk"]),
        library("RepriseNode", ["RepriseCore", "RepriseDisk", "RepriseRemote"]),
        library(
            "RepriseServer",
            ["RepriseNode", "RepriseDisk", "RepriseCore", "RepriseWire", "CRepriseShims", logging]
        ),
        library("RepriseRemote", ["RepriseCore", "RepriseWire", "CRepriseShims"]),
        .target(name: "CReprise"),
        library(
            "RepriseC",
            ["RepriseNode", "RepriseDisk", "RepriseWire", "RepriseCore", "CReprise", "CRepriseShims"]
        ),
        library("RepriseReplay", ["RepriseCore", "RepriseWire", "RepriseRemote"]),
        library("RepriseConfiguration", ["RepriseCore", "RepriseDisk", "RepriseRemote", yams]),
        .executableTarget(
            name: "reprise",
            dependencies: [
                "RepriseCore", "RepriseDisk", "RepriseNode", "RepriseServer", "RepriseRemote",
                "RepriseReplay",
                "RepriseWire", "RepriseConfiguration",
                argumentParser, logging,
            ],
            swiftSettings: house
        ),
        .executableTarget(name: "simulate", dependencies: ["RepriseTesting"], swiftSettings: house),
        tests("RepriseCoreTests", ["RepriseCore", "RepriseTesting"]),
        tests("RepriseDiskTests", ["RepriseCore", "RepriseDisk", "RepriseTesting"]),
        tests(
            "RepriseEngineTests",
            ["RepriseCore", "RepriseDisk", "RepriseEngine", "RepriseHashing", "RepriseTesting"]
        ),
        tests("RepriseHashingTests", ["RepriseCore", "RepriseHashing", "RepriseTesting"]),
        tests("RepriseWireTests", ["RepriseCore", "RepriseWire", "RepriseTesting"]),
        tests(
            "RepriseServerTests",
            ["RepriseCore", "RepriseNode", "RepriseServer", "RepriseWire", "RepriseRemote", "RepriseTesting"]
        ),
        tests(
            "RepriseRemoteTests",
            [
                "RepriseCore", "RepriseDisk", "RepriseEngine", "RepriseHashing", "RepriseNode",
                "RepriseServer", "RepriseWire", "RepriseRemote", "RepriseTesting",
            ]
        ),
        tests(
            "RepriseCTests",
            ["RepriseC", "CReprise", "RepriseCore", "RepriseWire", "RepriseTesting", "CRepriseShims"]
        ),
        tests("RepriseReplayTests", ["RepriseCore", "RepriseReplay", "RepriseRemote", "RepriseTesting"]),
        tests(
            "RepriseConfigurationTests",
            ["RepriseConfiguration", "RepriseCore", "RepriseDisk", "RepriseRemote", "RepriseTesting"]
        ),
        tests("TidyTests", []),
    ]
)
