import ArgumentParser
import Glibc
import RepriseConfiguration
import RepriseCore
import RepriseRemote
import RepriseServer

/// Why a command ends early: what to tell the user, and the status to exit with.
struct CommandFailure: Error {
    /// The status to exit with.
    let exitCode: ExitCode
    /// What to write to standard error, without the program's name; `nil` when the status says it all.
    let message: String?

    /// Creates a failure.
    init(_ exitCode: ExitCode, _ message: String?) {
        self.exitCode = exitCode
        self.message = message
    }

    /// The failure that stands for an error of the client, or `nil` for errors of the argument parser.
    init?(_ error: any Error) {
        switch error {
        case let failure as CommandFailure:
            self = failure
        case let error as ConfigurationError:
            self.init(error.code == .unreadableFile ? .noInput : .usage, error.message)
        case let error as RemoteError:
            let isUsage = error.code == .invalidArgument || error.code == .invalidURL
            self.init(isUsage ? .usage : .unavailable, error.message)
        case let error as StorageError:
            self.init(error.code == .invalidArgument ? .usage : .startFailed, error.message)
        case let error as ServerError:
            self.init([.badAddress, .badAccess].contains(error.code) ? .usage : .startFailed, error.message)
        default:
            return nil
        }
    }
}

extension ExitCode {
    /// A key is absent, a value was not kept, or wrong bytes were read.
    static let absent = ExitCode(1)
    /// A node could not start: its address is taken, or the system has not enough to give.
    static let startFailed = ExitCode(1)
    /// Wrong usage; the argument parser's own status. See sysexits.h.
    static let usage = ExitCode(EX_USAGE)
    /// The contents of an input are wrong.
    static let dataError = ExitCode(EX_DATAERR)
    /// An input file cannot be opened.
    static let noInput = ExitCode(EX_NOINPUT)
    /// The node cannot be reached or does not answer as it should.
    static let unavailable = ExitCode(EX_UNAVAILABLE)
    /// Reading or writing a file failed.
    static let inputOutputError = ExitCode(EX_IOERR)
}
