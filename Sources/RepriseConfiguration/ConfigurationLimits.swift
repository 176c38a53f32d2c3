/// The named limits of what configures a node.
public enum ConfigurationLimits {
    /// Bytes of a file.
    public static let fileByteCountMax = 64 << 10
    /// Bytes of a variable or an option.
    public static let textByteCountMax = 64 << 10
    /// Keys of a file, and of a mapping in it.
    public static let keyCountMax = 512
    /// Bytes of a key.
    public static let keyByteCountMax = 128
    /// Values within values, counted from the file's keys.
    public static let nestingDepthMax = 8
    /// Values of a file, those behind aliases counted each time.
    public static let nodeCountMax = 10_000
    /// Words of a file that look like aliases: with so many, not much can grow behind them.
    public static let aliasCountMax = 8
    /// Items of a list.
    public static let itemCountMax = 256
    /// Characters of a wrong text that a message shows.
    public static let shownCharacterCountMax = 80
}
