internal import RepriseWire

extension RESPConnection {
    /// Agrees on the version of the protocol, and says who the client is.
    internal mutating func greet(_ credentials: NodeCredentials?) throws(RemoteError) {
        var hello = [Array("HELLO".utf8), Array("3".utf8)]
        if let credentials {
            hello += [Array("AUTH".utf8), Array(credentials.user.utf8), credentials.password]
        }
        do throws(RemoteError) {
            switch try call(hello) {
            case .map: protocolVersion = 3
            // Some proxies agree, and go on in RESP 2.
            case .array: protocolVersion = 2
            case let answer: throw violation("HELLO is answered by \(answer.kind)")
            }
        } catch  where RESPConnection.isUnknownHello(error) {
            protocolVersion = 2
            if let credentials { try authenticate(credentials) }
        } catch {
            throw RESPConnection.withoutSecrets(error, credentials)
        }
    }

    private mutating func authenticate(_ credentials: NodeCredentials) throws(RemoteError) {
        // Servers that do not know HELLO know no users either, or take the name as the first of two words.
        let isDefault = credentials.user == NodeCredentials.defaultUser
        let user = isDefault ? [] : [Array(credentials.user.utf8)]
        do throws(RemoteError) {
            _ = try call([Array("AUTH".utf8)] + user + [credentials.password])
        } catch {
            throw RESPConnection.withoutSecrets(error, credentials)
        }
    }

    /// Whether a server without HELLO, or without RESP 3, has answered.
    private static func isUnknownHello(_ error: RemoteError) -> Bool {
        let text = error.message.lowercased()
        return error.code == .rejected && (text.hasPrefix("err unknown command") || text.hasPrefix("noproto"))
    }

    /// The same error without the password: servers quote the words of a command that they refuse, perhaps
    /// cut, so no text with a quotation is passed on.
    private static func withoutSecrets(_ error: RemoteError, _ credentials: NodeCredentials?) -> RemoteError {
        guard error.code == .rejected else { return error }
        guard credentials != nil else {
            guard error.message.hasPrefix("NOAUTH") else { return error }
            let form = "in the URL, as redis://:password@host, or by --password-file on the command line"
            return RemoteError(.rejected, "NOAUTH the server asks for a password; give it \(form)")
        }
        guard error.message.utf8.contains(where: "'`\"".utf8.contains) else { return error }
        return RemoteError(.rejected, "the server refused the user and password")
    }
}
