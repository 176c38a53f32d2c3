extension DiskStatistics {
    /// What operators are shown, with names in Prometheus's style.
    package var numbers: [(name: String, value: UInt64)] {
        [
            ("out", isOut ? 1 : 0),
            ("entries", UInt64(entryCount)),
            ("used_bytes", UInt64(usedByteCount)),
            ("capacity_bytes", UInt64(capacityByteCount)),
            ("configured_bytes", UInt64(configuredByteCount)),
            ("payload_bytes", UInt64(payloadByteCount)),
            ("key_bytes", UInt64(keyByteCount)),
            ("index_bytes", UInt64(indexByteCount)),
            ("queued_puts", UInt64(queuedCount)),
            ("queued_bytes", UInt64(queuedByteCount)),
            ("puts_total", putCount),
            ("written_bytes_total", writtenByteCount),
            ("puts_dropped_total", droppedCount),
            ("puts_refused_total", refusedCount),
            ("puts_failed_total", failedPutCount),
            ("hits_total", hitCount),
            ("read_bytes_total", readByteCount),
            ("evictions_total", evictionCount),
            ("expired_total", expiredCount),
            ("io_errors_total", ioErrorCount),
            ("outages_total", outCount),
            ("snapshots_total", snapshotCount),
        ]
    }
}
