internal import RepriseCore

extension LMRequest {
    /// The header in a dialect's bytes.
    ///
    /// - Complexity: O(1); allocates the array.
    public func encoded(dialect: LMDialect) -> [UInt8] {
        [UInt8](byteCount: dialect.requestHeaderByteCount) { encode(dialect: dialect, into: &$0) }
    }

    /// Writes the header to the start of `bytes`, every byte of it, without allocating.
    ///
    /// A shape of fewer than four dimensions is padded with zeros behind; see
    /// ``LMDialect/wireShape(_:)`` for what each dialect's peers make of it.
    ///
    /// - Precondition: `bytes` has room for ``LMDialect/requestHeaderByteCount`` bytes, or this traps.
    public func encode(dialect: LMDialect, into bytes: inout MutableRawSpan) {
        bytes.storeLittleEndian(command.rawValue, at: 0)
        bytes.storeLittleEndian(Int32(payloadByteCount), at: 4)
        if let shapeOffset = dialect.requestShapeOffset {
            bytes.storeLittleEndian(metadata.formatCode, at: 8)
            bytes.storeLittleEndian(metadata.dtypeCode, at: 12)
            if let locationOffset = dialect.requestLocationOffset {
                bytes.storeLittleEndian(isFromPeer ? LMRequest.peerLocation : 0, at: locationOffset)
            }
            bytes.storeLittleEndian(metadata.lmShapeWords, at: shapeOffset)
        }
        let keyBytes = key.bytes
        let keyOffset = dialect.keyOffset
        for index in 0..<LMLimits.keyByteCountMax {
            let byte = index < keyBytes.count ? keyBytes[index] : 0x20
            bytes.storeBytes(of: byte, toByteOffset: keyOffset + index, as: UInt8.self)
        }
    }
}
