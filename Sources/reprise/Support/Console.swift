import Glibc
import RepriseCore

/// The process's standard streams, unbuffered.
///
/// SIGPIPE keeps its default action: a command whose reader has gone ends quietly, as Unix tools do.
enum Console {
    /// Whether standard output is a terminal.
    static var isOutputTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    /// Whether standard error is a terminal.
    static var isErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Writes bytes to standard output.
    static func write(_ bytes: RawSpan) throws(CommandFailure) {
        try FileDescriptor.write(bytes, to: STDOUT_FILENO, name: "standard output")
    }

    /// Writes a line to standard output.
    static func writeLine(_ text: String) throws(CommandFailure) {
        try write(Array((text + "\n").utf8).rawSpan)
    }

    /// Writes a line to standard error, after the program's name; failures are ignored.
    static func warn(_ message: String) {
        try? FileDescriptor.write(Array("reprise: \(message)\n".utf8).rawSpan, to: STDERR_FILENO, name: "")
    }

    /// Writes a line to standard error, as it is; failures are ignored.
    static func writeErrorLine(_ text: String) {
        try? FileDescriptor.write(Array((text + "\n").utf8).rawSpan, to: STDERR_FILENO, name: "")
    }

    /// Replaces the current line of standard error, for progress on a terminal; failures are ignored.
    static func overwriteErrorLine(_ text: String) {
        // Back to the line's start, text, erase to its end. See console_codes(4).
        try? FileDescriptor.write(Array("\r\(text)\u{1B}[K".utf8).rawSpan, to: STDERR_FILENO, name: "")
    }
}
