import ArgumentParser

/// `reprise remote`: looks into a remote store as the engine's backend sees it.
struct RemoteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remote",
        abstract: "Look into a remote store: values as the engine's backend keeps them there.",
        discussion: """
            URL names a store as LMCache's remote_url does, such as redis://host:6379, \
            redis-cluster://host:7000, lm://host:65432 or fs://host:0/directory. With ?layout=lmcache values \
            in Redis are LMCache's pairs of keys, without it records that prove themselves.
            """,
        subcommands: [
            RemoteGet.self, RemotePut.self, RemoteExists.self, RemoteRemove.self, RemoteList.self,
        ]
    )
}
