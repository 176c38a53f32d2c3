import RepriseCore

extension DictionaryNode {
    /// Answers RESP commands until the client closes.
    func serveRESP(_ peer: PeerSocket) {
        while let command = peer.receiveCommand(), let word = command.first {
            let key = StorageKey(command.count > 1 ? command[1] : [])
            switch String(decoding: word, as: UTF8.self) {
            case "HELLO": peer.send("%1\r\n$5\r\nproto\r\n:3\r\n")
            case "SET":
                store(key, command[2])
                peer.send(fault == .dropsPuts ? "-OOM no room\r\n" : "+OK\r\n")
            case "GET":
                guard fault != .closesOnGet else { return }
                peer.send(respReply(to: key))
            case "EXISTS": peer.send(use(key) == nil ? ":0\r\n" : ":1\r\n")
            default: peer.send("-ERR unknown command\r\n")
            }
        }
    }

    private func respReply(to key: StorageKey) -> [UInt8] {
        guard var value = use(key) else { return Array("_\r\n".utf8) }
        if fault == .corruptsValues { value[value.count / 2] ^= 0x10 }
        return Array("$\(value.count)\r\n".utf8) + value + Array("\r\n".utf8)
    }
}
