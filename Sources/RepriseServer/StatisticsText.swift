internal import RepriseCore
internal import RepriseNode

/// Statistics as text: one `name value` a line, in Prometheus's style.
enum StatisticsText {
    static func make(_ backend: any LMSBackend, counters: [ReactorCounters]) -> String {
        let statistics = backend.statistics
        var lines = store(statistics) + arena(statistics.arena)
        if let isConsistent = backend.isConsistent {
            lines.append(("reprise_allocator_consistent", isConsistent ? 1 : 0))
        }
        for counter in ServerCounter.allCases {
            lines.append((counter.metric, counters.reduce(0) { $0 &+ $1.value(of: counter) }))
        }
        return lines.map { "\($0.0) \($0.1)\n" }.joined()
    }

    private static func store(_ statistics: LMSStatistics) -> [(String, UInt64)] {
        let store = statistics.store
        return [
            ("reprise_entries", UInt64(store.entryCount)),
            ("reprise_entry_bytes", UInt64(store.entryByteCount)),
            ("reprise_payload_bytes", UInt64(store.payloadByteCount)),
            ("reprise_key_bytes", UInt64(store.keyByteCount)),
            ("reprise_index_bytes", UInt64(store.indexByteCount)),
            ("reprise_memory_used_bytes", UInt64(statistics.usedByteCount)),
            ("reprise_memory_capacity_bytes", UInt64(statistics.capacityByteCount)),
            ("reprise_memory_reserved_bytes", UInt64(store.reservedByteCount)),
            ("reprise_buffer_bytes", UInt64(statistics.bufferByteCount)),
            ("reprise_evictions_total", store.evictionCount),
            ("reprise_evicted_bytes_total", store.evictedByteCount),
            ("reprise_no_room_total", store.noRoomCount),
        ]
    }

    private static func arena(_ report: ArenaReport) -> [(String, UInt64)] {
        [
            ("reprise_memory_populated_bytes", UInt64(report.populatedByteCount)),
            ("reprise_memory_huge_page_bytes", UInt64(report.hugePageByteCount)),
            ("reprise_memory_locked_bytes", UInt64(report.lockedByteCount)),
        ]
    }
}
