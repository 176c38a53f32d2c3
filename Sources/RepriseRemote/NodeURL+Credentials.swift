/// What is wrong with a URL; never holds a part of a password.
internal struct NodeURLProblem: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

extension NodeURL {
    /// Splits `user:password@host` at its end.
    internal static func splitCredentials(
        _ authority: String
    ) throws(NodeURLProblem) -> (credentials: NodeCredentials?, host: String) {
        let sides = authority.split(separator: "@", omittingEmptySubsequences: false)
        guard sides.count > 1 else { return (nil, authority) }
        guard sides.count == 2 else { throw NodeURLProblem("write @ in a password as %40") }
        let words = sides[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard words.count == 2 else { throw NodeURLProblem("a password has ':' before it, as in :...@host") }
        let user = String(decoding: try percentDecoded(words[0]), as: UTF8.self)
        let password = try percentDecoded(words[1])
        do throws(RemoteError) {
            let name = user.isEmpty ? NodeCredentials.defaultUser : user
            return (try NodeCredentials(user: name, password: password), String(sides[1]))
        } catch {
            throw NodeURLProblem(error.message)
        }
    }

    /// Replaces each `%` and its two hexadecimal digits by the byte that they stand for. See RFC 3986, 2.1.
    private static func percentDecoded(_ text: Substring) throws(NodeURLProblem) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else { bytes.append(byte); continue }
            let digits = [rest.popFirst(), rest.popFirst()].compactMap { $0.flatMap(digit) }
            guard digits.count == 2 else {
                throw NodeURLProblem("'%' is followed by two hexadecimal digits; write '%' itself as %25")
            }
            bytes.append(digits[0] << 4 | digits[1])
        }
        return bytes
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) }
    }
}
