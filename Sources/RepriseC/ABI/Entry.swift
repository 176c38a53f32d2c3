internal import CReprise
internal import CRepriseShims

// SAFETY, whole file: what is written lies in arrays whose length is the caller's word, as the header asks
// for.

/// What every function of the C interface does around its work.
enum Entry {
    /// Does something that may fail; keeps the message for the calling thread.
    static func status(_ body: () throws(CallError) -> Void) -> reprise_status {
        do throws(CallError) {
            try body()
            return Status.ok.rawValue
        } catch {
            return note(error)
        }
    }

    /// Does something with a client that is not closed meanwhile.
    static func call(
        _ handle: OpaquePointer?,
        _ body: (Client) throws(CallError) -> Void
    ) -> reprise_status {
        status { () throws(CallError) in
            let client = try unsafe Registry.shared.enter(handle)
            defer { Registry.shared.leave(client) }
            try body(client)
        }
    }

    /// Keeps an error's message for the calling thread; returns its status.
    static func note(_ error: CallError) -> reprise_status {
        unsafe reprise_set_thread_text(error.message)
        return error.status.rawValue
    }

    /// A pointer that must not be null.
    static func required<Pointee>(
        _ pointer: UnsafeMutablePointer<Pointee>?,
        _ name: StaticString
    ) throws(CallError) -> UnsafeMutablePointer<Pointee> {
        guard let pointer = unsafe pointer else { throw CallError(.invalidArgument, "\(name) is NULL") }
        return unsafe pointer
    }

    /// Writes the results of a batch.
    static func write(_ values: [Int64], to results: UnsafeMutablePointer<Int64>) {
        for (index, value) in values.enumerated() { unsafe results[index] = value }
    }
}
