internal import RepriseCore
internal import RepriseDisk
internal import RepriseNode

/// The statistics of a server and its node: names and values in Prometheus's style.
enum StatisticsText {
    typealias Line = (name: String, value: String)

    static func lines(_ backend: any LMSBackend, reactors: [Reactor]) -> [Line] {
        let statistics = backend.statistics
        var lines = store(statistics) + arena(statistics.arena)
        if let isConsistent = backend.isConsistent {
            lines.append(("reprise_allocator_consistent", isConsistent ? 1 : 0))
        }
        for counter in ServerCounter.allCases {
            lines.append((counter.metric, reactors.reduce(0) { $0 &+ $1.counters.value(of: counter) }))
        }
        return lines.map { ($0.0, "\($0.1)") } + disks(statistics) + elsewhere(statistics)
            + commands(reactors)
    }

    /// A command's counts over all reactors.
    static func counts(ofCommandAt index: Int, _ reactors: [Reactor]) -> CommandCounters.Counts {
        reactors.reduce(into: CommandCounters.Counts()) { sum, reactor in
            let counts = reactor.commands.counts(at: index)
            sum.calls &+= counts.calls
            sum.nanoseconds &+= counts.nanoseconds
            sum.rejected &+= counts.rejected
            sum.failed &+= counts.failed
        }
    }

    private static func commands(_ reactors: [Reactor]) -> [Line] {
        var calls: [Line] = []
        var times: [Line] = []
        for (index, name) in CountedCommand.names.enumerated() {
            let counts = counts(ofCommandAt: index, reactors)
            guard counts.calls > 0 else { continue }
            let labels = "{protocol=\"\(name.protocol)\",command=\"\(name.command)\"}"
            calls.append(("reprise_commands_total\(labels)", "\(counts.calls)"))
            times.append(("reprise_command_seconds_total\(labels)", seconds(counts.nanoseconds)))
        }
        return calls + times
    }

    /// Nanoseconds as decimal seconds.
    static func seconds(_ nanoseconds: UInt64) -> String {
        let fraction = String(nanoseconds % 1_000_000_000)
        let zeros = String(repeating: "0", count: 9 - fraction.count)
        return "\(nanoseconds / 1_000_000_000).\(zeros)\(fraction)"
    }

    private static func store(_ statistics: LMSStatistics) -> [(String, UInt64)] {
        let store = statistics.store
        return [
            ("reprise_entries", UInt64(store.entryCount)),
            ("reprise_entry_bytes", UInt64(store.entryByteCount)),
            ("reprise_payload_bytes", UInt64(store.payloadByteCount)),
            ("reprise_key_bytes", UInt64(store.keyByteCount)),
            ("reprise_index_bytes", UInt64(store.indexByteCount)),
            ("reprise_expiring_entries", UInt64(store.expiringCount)),
            ("reprise_memory_used_bytes", UInt64(statistics.usedByteCount)),
            ("reprise_memory_capacity_bytes", UInt64(statistics.capacityByteCount)),
            ("reprise_memory_reserved_bytes", UInt64(store.reservedByteCount)),
            ("reprise_buffer_bytes", UInt64(statistics.bufferByteCount)),
            ("reprise_evictions_total", store.evictionCount),
            ("reprise_evicted_bytes_total", store.evictedByteCount),
            ("reprise_expired_total", store.expiredCount),
            ("reprise_no_room_total", store.noRoomCount),
            ("reprise_promotions_total", store.promotionCount),
        ]
    }

    private static func disks(_ statistics: LMSStatistics) -> [Line] {
        statistics.disks.flatMap { disk in
            let label = "disk=\"\(disk.path)\""
            let numbers = disk.statistics.numbers.map { ("reprise_disk_\($0.name){\(label)}", "\($0.value)") }
            let faults = RecordFault.allCases.map { fault in
                let count = disk.statistics.faults[fault] ?? 0
                return ("reprise_disk_faults_total{\(label),cause=\"\(fault.rawValue)\"}", "\(count)")
            }
            return numbers + faults
        }
    }

    private static func elsewhere(_ statistics: LMSStatistics) -> [Line] {
        statistics.elsewhere.flatMap { part in
            part.numbers.map { ("reprise_\(part.part)_\($0.name)", "\($0.value)") }
        }
    }

    private static func arena(_ report: ArenaReport) -> [(String, UInt64)] {
        [
            ("reprise_memory_populated_bytes", UInt64(report.populatedByteCount)),
            ("reprise_memory_huge_page_bytes", UInt64(report.hugePageByteCount)),
            ("reprise_memory_locked_bytes", UInt64(report.lockedByteCount)),
        ]
    }
}
