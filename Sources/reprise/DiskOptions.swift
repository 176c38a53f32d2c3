import ArgumentParser
import RepriseConfiguration
import RepriseDisk

/// Where a node keeps what its memory has no room for, and what survives its restart.
struct DiskOptions: ParsableArguments {
    @Option(
        name: .customLong("disk"),
        help: ArgumentHelp(
            "Keep values on a disk, too: a directory and what it may take, as /var/lib/reprise:100GiB. "
                + "May be given several times.",
            valueName: "path:size"
        )
    )
    var disks: [String] = []

    @Option(
        help: ArgumentHelp(
            "When a value on a disk is safe: none (against the death of the node), or data (against the loss "
                + "of power). (default: none)",
            valueName: "mode"
        ),
        completion: .list(DiskSync.allCases.map(\.rawValue))
    )
    var diskSync: String?

    func add(to flags: inout ConfigurationFlags) {
        flags.set("disks", disks, flag: "--disk")
        flags.set("disk_sync", diskSync)
    }
}
