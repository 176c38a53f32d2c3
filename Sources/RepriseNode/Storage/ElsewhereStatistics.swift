internal import RepriseRemote

/// Numbers of one part of what is behind a node, with names in Prometheus's style.
package struct ElsewhereStatistics: Sendable {
    /// The part: `remote`, `peer` or `directory`.
    package let part: String
    /// Its numbers.
    package let numbers: [(name: String, value: UInt64)]
}

extension TierStack {
    /// What the stores elsewhere have done.
    var elsewhereStatistics: [ElsewhereStatistics] {
        let directory = directory as? RESPLookupDirectory
        let parts = [
            remote.map { ElsewhereStatistics(part: "remote", numbers: $0.statistics.numbers) },
            peers.map { ElsewhereStatistics(part: "peer", numbers: $0.statistics.numbers) },
            directory.map { ElsewhereStatistics(part: "directory", numbers: $0.statistics.numbers) },
        ]
        return parts.compactMap { $0 }
    }
}

extension RemoteStatistics {
    fileprivate var numbers: [(name: String, value: UInt64)] {
        [
            ("out", isOut ? 1 : 0),
            ("hits_total", hitCount),
            ("misses_total", missCount),
            ("corrupt_total", corruptCount),
            ("no_memory_total", noMemoryCount),
            ("timeouts_total", timeoutCount),
            ("skipped_total", skippedCount),
            ("puts_total", storedCount),
            ("puts_refused_total", refusedPutCount),
            ("puts_failed_total", failedPutCount),
            ("removals_total", removedCount),
            ("errors_total", errorCount),
            ("outages_total", outageCount),
            ("queued_bytes", UInt64(queuedByteCount)),
            ("queued_keys", UInt64(queuedKeyCount)),
            ("forgotten_keys", forgottenKeyCount),
            ("read_bytes_total", readByteCount),
            ("written_bytes_total", writtenByteCount),
        ]
    }
}

extension PeerStatistics {
    fileprivate var numbers: [(name: String, value: UInt64)] {
        [
            ("hits_total", hitCount),
            ("misses_total", missCount),
            ("stale_total", staleCount),
            ("read_bytes_total", readByteCount),
        ]
    }
}

extension DirectoryStatistics {
    fileprivate var numbers: [(name: String, value: UInt64)] {
        [
            ("out", isOut ? 1 : 0),
            ("keys", UInt64(keyCount)),
            ("pending_keys", UInt64(pendingKeyCount)),
            ("lookups_total", lookupCount),
            ("found_total", foundCount),
            ("round_trips_total", roundTripCount),
            ("skipped_total", skippedCount),
            ("errors_total", errorCount),
        ]
    }
}
