/// The program's version.
enum RepriseVersion {
    /// As `reprise --version` prints it; follows semantic versioning.
    static let text = "0.1.0"
}
