import ArgumentParser
import RepriseCore
import RepriseReplay

/// Reads the values of options; what cannot be read is an error that names the accepted forms.
enum OptionText {
    /// Reads a size such as `4MiB`.
    static func size(_ text: String) throws -> ByteSize {
        do { return try ByteSize(parsing: text) } catch { throw ValidationError(error.message) }
    }

    /// Reads a duration such as `30s`.
    static func duration(_ text: String) throws -> Duration {
        do { return try DurationText.parse(text) } catch { throw ValidationError(error.message) }
    }

    /// Reads a benchmark's mix such as `put,get`.
    static func mix(_ text: String) throws -> [BenchPhase] {
        guard let phases = BenchPhase.parse(mix: text) else {
            throw ValidationError("'\(text)' cannot be read; \(BenchPhase.forms)")
        }
        return phases
    }
}
