extension ForeignKey {
    /// Says which members of `extra_config` ask for a system that is not spoken.
    ///
    /// The others are left to LMCache's connectors, whose names for them nobody has listed.
    internal static func checkExtraConfig(_ members: [SettingValue.Member]) throws(SettingProblem) {
        for (index, member) in members.enumerated() {
            guard let why = refusal(ofName: member.name), isOn(member.text) else { continue }
            var problem = SettingProblem("\(Quoted(member.name)): \(why)", isRefusal: true)
            problem.item = index
            throw problem
        }
    }

    private static func isOn(_ text: String?) -> Bool {
        guard let text else { return true }
        return !["", "false", "0", "~", "null", "none"].contains(text.lowercased())
    }
}
