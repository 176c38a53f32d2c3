/// Rows of text, printed in aligned columns.
public struct TextTable: Sendable {
    /// Which side of its column a cell is at.
    public enum Alignment: Sendable {
        /// At the left, as words are.
        case left
        /// At the right, as numbers are.
        case right
    }

    /// One alignment for each column.
    public let alignments: [Alignment]
    /// The rows, each with one cell for each column.
    public var rows: [[String]]

    /// Creates a table.
    ///
    /// - Precondition: every row has as many cells as there are alignments.
    public init(alignments: [Alignment], rows: [[String]]) {
        precondition(rows.allSatisfy { $0.count == alignments.count }, "a row has the wrong number of cells")
        self.alignments = alignments
        self.rows = rows
    }

    /// The lines, two spaces between the columns, without trailing spaces.
    public var text: String {
        let widths = alignments.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                line +=
                    (column > 0 ? "  " : "") + (alignments[column] == .left ? cell + padding : padding + cell)
            }
            while line.last == " " { line.removeLast() }
            return line
        }
        return lines.joined(separator: "\n")
    }
}
