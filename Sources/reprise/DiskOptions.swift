import ArgumentParser
import RepriseCore
import RepriseDisk

/// Where a node keeps what its memory has no room for, and what survives its restart.
struct DiskOptions: ParsableArguments {
    @Option(
        name: .customLong("disk"),
        help: ArgumentHelp(
            "Keep values on a disk, too: a directory and what it may take, as /var/lib/reprise:100GiB. "
                + "May be given several times.",
            valueName: "path:size"
        ),
        transform: DiskOptions.disk
    )
    var disks: [DiskConfiguration] = []

    @Option(
        help: ArgumentHelp(
            "When a value on a disk is safe: none (against the death of the node), or data (against the loss "
                + "of power). (default: none)",
            valueName: "mode"
        ),
        completion: .list(DiskSync.allCases.map(\.rawValue)),
        transform: DiskOptions.sync
    )
    var diskSync = DiskSync.none

    /// The disks, with what holds for all of them.
    var configurations: [DiskConfiguration] {
        disks.map { disk in
            var disk = disk
            disk.sync = diskSync
            return disk
        }
    }

    func validate() throws {
        guard Set(disks.map(\.path)).count == disks.count else {
            throw ValidationError("--disk names a directory twice")
        }
    }

    private static func disk(_ text: String) throws -> DiskConfiguration {
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex else {
            throw ValidationError("--disk takes a directory and a size, as /var/lib/reprise:100GiB")
        }
        let size = try OptionText.size(String(text[text.index(after: colon)...]))
        return DiskConfiguration(path: String(text[..<colon]), byteCount: size.byteCount)
    }

    private static func sync(_ text: String) throws -> DiskSync {
        guard let sync = DiskSync(rawValue: text.lowercased()) else {
            throw ValidationError("--disk-sync takes none or data")
        }
        return sync
    }
}
