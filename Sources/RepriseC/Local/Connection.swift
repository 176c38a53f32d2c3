final class Connection: Sendable {}
