import ArgumentParser
import Glibc

/// The `reprise` program: a KV cache node, and the tools to use, measure and inspect one.
@main
struct Reprise: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reprise",
        abstract: "A KV cache store for LLM serving, and the tools to use and measure it.",
        discussion: """
            Exit codes: 0 done; 1 the key is not stored, the value was not kept, or wrong bytes were read; \
            64 wrong usage; 65 the input's contents are wrong; 66 an input file cannot be read; \
            69 the node cannot be reached, does not answer, says no, or answers against the protocol; \
            74 reading or writing a file failed.

            The shell completes commands, options and files once it has read what \
            reprise --generate-completion-script bash (or zsh, or fish) writes; for bash, put that in \
            ~/.local/share/bash-completion/completions/reprise.
            """,
        version: RepriseVersion.text,
        subcommands: [
            Serve.self, Get.self, Put.self, Exists.self, Remove.self, List.self, Stat.self, Ping.self,
            BenchCommand.self, ReplayCommand.self, Check.self, RemoteCommand.self, ConfigCommand.self,
        ]
    )

    /// Runs the subcommand that the arguments name; errors end up here, and nowhere else.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            fail(with: error)
        }
    }

    private static func fail(with error: any Error) -> Never {
        guard let failure = CommandFailure(error) else { exit(withError: error) }
        if let message = failure.message { Console.warn(message) }
        Glibc.exit(failure.exitCode.rawValue)
    }
}
