/// Why what was read is not the record that was looked for.
package enum RecordFault: String, Error, Hashable, Sendable, CaseIterable {
    /// The header's or the value's checksum is another.
    case checksum
    /// It is another key's record.
    case key
    /// It was written for another place.
    case offset
    /// It is an earlier or a later record.
    case sequence
    /// The file ends before the record does.
    case shortRead = "short_read"
    /// Its time is over.
    case expired
    /// The call failed.
    case ioError = "io_error"
    /// It is no record at all.
    case notARecord = "not_a_record"
    /// It was withdrawn.
    case tombstone
    /// It is of a version that this build does not know.
    case version
}
