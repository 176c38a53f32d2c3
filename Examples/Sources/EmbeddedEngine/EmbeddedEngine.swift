import Glibc
import RepriseRemote

/// A program that serves a model and keeps its KV cache in Reprise, in its own process.
///
///     swift run --package-path Examples EmbeddedEngine DIRECTORY [REMOTE_URL]
///
/// Values are kept in memory, in `DIRECTORY`, and in the store at `REMOTE_URL` if there is one
/// (`redis://host`, `lm://host:port`, `fs:///path`). Each line of standard input is a request: its prompt, as
/// token numbers separated by spaces. Without any line, as with `</dev/null`, a conversation that is built in
/// is served.
///
/// For each request it prints how many tokens the prompt has, how many of them were found and how many were
/// computed, and where the found ones were. At the end of the input it says what all requests came to, and
/// closes the engine, which writes what is on its way to the disk. Run it twice with the same directory: the
/// second time everything is found, but for what is behind the last whole chunk of a prompt.
///
/// Exit status: 0; 1 when a row that was found is not the row that would have been computed, or the cache
/// cannot be opened; 64 for wrong usage.
@main
struct EmbeddedEngine {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        guard let directory = arguments.first, arguments.count <= 2, !directory.hasPrefix("-") else {
            complain("usage: EmbeddedEngine DIRECTORY [REMOTE_URL]")
            exit(EX_USAGE)
        }
        do {
            let server = try ModelServer(directory: directory, remote: arguments.dropFirst().first)
            serveAll(server)
            server.close()
            exit(server.wrongTokenCount == 0 ? EXIT_SUCCESS : EXIT_FAILURE)
        } catch let error as RemoteError where error.code == .invalidURL {
            complain("EmbeddedEngine: \(error.message)")
            exit(EX_USAGE)
        } catch {
            complain("EmbeddedEngine: \(error)")
            exit(EXIT_FAILURE)
        }
    }

    private static func serveAll(_ server: ModelServer) {
        var lineCount = 0
        while let line = readLine() {
            lineCount += 1
            guard let prompt = Prompts.parse(line) else {
                complain("line \(lineCount): a request is token numbers, separated by spaces")
                continue
            }
            serve(prompt, server)
        }
        if lineCount == 0 {
            for prompt in Prompts.conversation { serve(prompt, server) }
        }
        print(server.summary)
    }

    private static func serve(_ prompt: [UInt32], _ server: ModelServer) {
        do {
            print(try server.serve(prompt))
        } catch {
            complain("a request of \(prompt.count) tokens: \(error)")
        }
    }

    private static func complain(_ text: String) {
        let line = Array((text + "\n").utf8)
        // SAFETY: write(2) reads as many bytes as the array has, during the call.
        _ = unsafe write(STDERR_FILENO, line, line.count)
    }
}
