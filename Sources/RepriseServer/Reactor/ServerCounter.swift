/// Something that reactors count.
enum ServerCounter: Int, CaseIterable {
    case connections
    case heldBytes
    case loadBytes
    case accepted
    case received
    case sent
    case puts
    case getHits
    case getMisses
    case existHits
    case existMisses
    case otherRequests
    case abortedPuts
    case droppedTooLarge
    case droppedNoRoom
    case droppedShapeMismatch
    case droppedWaitedTooLong
    case droppedNotCommitted
    case closedProtocolError
    case closedTooSlow
    case closedTooMany
    case closedTransferError
    case closedNotAllowed
    case closedKilled
    case closedNotRecorded
    case loadWaits
    case recordWaits
    case authFailures
    case closedProcessEnded
    case quarantined
    case localLeases
    case localLeasedBytes
    case localReservations
    case localReservedBytes
    case localKeptBytes
    case localLeasesOutdated
    case localReservationsOutdated
    case localUnknownNumbers

    /// The metric's name and labels, in Prometheus's style.
    var metric: String {
        switch self {
        case .connections: "reprise_connections"
        case .heldBytes: "reprise_reply_held_bytes"
        case .loadBytes: "reprise_load_held_bytes"
        case .accepted: "reprise_connections_accepted_total"
        case .received: "reprise_received_bytes_total"
        case .sent: "reprise_sent_bytes_total"
        case .puts: "reprise_puts_total"
        case .getHits: "reprise_get_hits_total"
        case .getMisses: "reprise_get_misses_total"
        case .existHits: "reprise_exist_hits_total"
        case .existMisses: "reprise_exist_misses_total"
        case .otherRequests: "reprise_other_requests_total"
        case .abortedPuts: "reprise_puts_aborted_total"
        case .droppedTooLarge: "reprise_puts_dropped_total{reason=\"too_large\"}"
        case .droppedNoRoom: "reprise_puts_dropped_total{reason=\"no_room\"}"
        case .droppedShapeMismatch: "reprise_puts_dropped_total{reason=\"shape_mismatch\"}"
        case .droppedWaitedTooLong: "reprise_puts_dropped_total{reason=\"waited_too_long\"}"
        case .droppedNotCommitted: "reprise_puts_dropped_total{reason=\"not_committed\"}"
        case .closedProtocolError: "reprise_connections_closed_total{reason=\"protocol_error\"}"
        case .closedTooSlow: "reprise_connections_closed_total{reason=\"too_slow\"}"
        case .closedTooMany: "reprise_connections_closed_total{reason=\"too_many\"}"
        case .closedTransferError: "reprise_connections_closed_total{reason=\"transfer_error\"}"
        case .closedNotAllowed: "reprise_connections_closed_total{reason=\"not_allowed\"}"
        case .closedKilled: "reprise_connections_closed_total{reason=\"killed\"}"
        case .closedNotRecorded: "reprise_connections_closed_total{reason=\"not_recorded\"}"
        case .loadWaits: "reprise_load_waits_total"
        case .recordWaits: "reprise_record_waits_total"
        case .authFailures: "reprise_auth_failures_total"
        case .closedProcessEnded: "reprise_connections_closed_total{reason=\"process_ended\"}"
        case .quarantined: "reprise_local_quarantined_connections"
        case .localLeases: "reprise_local_leases"
        case .localLeasedBytes: "reprise_local_leased_bytes"
        case .localReservations: "reprise_local_reservations"
        case .localReservedBytes: "reprise_local_reserved_bytes"
        case .localKeptBytes: "reprise_local_kept_bytes"
        case .localLeasesOutdated: "reprise_local_leases_outdated_total"
        case .localReservationsOutdated: "reprise_local_reservations_outdated_total"
        case .localUnknownNumbers: "reprise_local_unknown_numbers_total"
        }
    }
}
